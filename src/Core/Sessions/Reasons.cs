namespace Berth.Core.Sessions;

/// <summary>What follows from a reason.</summary>
/// <param name="Status">Where it leads.</param>
/// <param name="Retry">The same act may succeed later by itself: the reconciler tries again.</param>
/// <param name="Sentence">For a person; <c>{0}</c> is the session's detail.</param>
/// <param name="NextStep">What to do; null when there is nothing to do. <c>{name}</c> is the session's name.</param>
/// <param name="Elsewhere">It is the machine's, not the session's: another machine may take the start.</param>
public sealed record ReasonRule(SessionStatus Status, bool Retry, string Sentence, string? NextStep, bool Elsewhere = false);

/// <summary>The one table from reason to status, sentence and next step.</summary>
public static class Reasons
{
    private const string SeeLog = "See its log: `berth session logs {name}`.";
    private const string Again = "Start it again: `berth session resume {name}`.";

    /// <summary>The rule of a reason.</summary>
    public static ReasonRule Rule(this Reason reason) => reason switch
    {
        Reason.ByUser => new(SessionStatus.Ended, false, "It was stopped by its owner.", null),
        Reason.ByAdmin => new(SessionStatus.Ended, false, "It was stopped by the administrator {0}.", null),
        Reason.Idle => new(SessionStatus.Paused, false, "It was paused after {0} without use.", "Resume it: `berth session resume {name}`."),
        Reason.MaximumAge => new(SessionStatus.Paused, false, "It was paused at its maximum age of {0}.", "Resume it: `berth session resume {name}`."),
        Reason.PausedTooLong => new(SessionStatus.Ended, false, "It was stopped after {0} in pause.", null),
        Reason.FailedTooLong => new(SessionStatus.Ended, false, "It was stopped {0} after it had failed.", null),
        Reason.FrontEndFinished => new(SessionStatus.Ended, false, "Its command finished.", null),
        Reason.FrontEndFailed => new(SessionStatus.Failed, false, "Its command ended with {0}.", SeeLog),
        Reason.ExitedEarly => new(SessionStatus.Failed, false, "Its command ended before it answered: {0}.", SeeLog),
        Reason.CommandNotFound => new(SessionStatus.Failed, false, "Its command cannot be run: {0}.", "Check the environment's command, or the image's entrypoint."),
        Reason.OutOfMemory => new(SessionStatus.Failed, false, "It used more memory than it has.", "Resume it with more: `berth session resume {name} --class …`."),
        Reason.Killed => new(SessionStatus.Failed, false, "It was killed from outside Berth ({0}).", Again),
        Reason.Vanished => new(SessionStatus.Failed, false, "Its container is gone, and Berth did not remove it.", Again),
        Reason.NothingListens => new(SessionStatus.Failed, false, "Nothing answered on its port within the starting time: {0}.", "Check the environment's port, and that the front end listens on it; its log says more: `berth session logs {name}`."),
        Reason.StartTimeout => new(SessionStatus.Failed, false, "It did not start within the time that starts have: {0}.", Again),
        Reason.ImageNotFound => new(SessionStatus.Failed, false, "Its image cannot be found: {0}", "Check the image's name and tag, and that you may read it."),
        Reason.PullFailed => new(SessionStatus.Failed, false, "Its image could not be fetched: {0}", Again),
        Reason.WrongPlatform => new(SessionStatus.Failed, false, "Its image is not for this machine: {0}", "Choose an image for the machine's platform."),
        Reason.NoGpu => new(SessionStatus.Failed, false, "There is no such gpu: {0}", "Start it without `--gpu`, or in a pool that has gpus.", Elsewhere: true),
        Reason.NoCapacity => new(SessionStatus.Failed, false, "The machine has not got what it asks for: {0}", "Start it with less: `--cpu`, `--memory`.", Elsewhere: true),
        Reason.DiskFull => new(SessionStatus.Failed, false, "No space is left on the machine's disk: {0}", "Free some space, then start it again: `berth session resume {name}`.", Elsewhere: true),
        Reason.Refused => new(SessionStatus.Failed, false, "The engine refused it: {0}", SeeLog),
        Reason.NoProvider => new(SessionStatus.Failed, false, "This version cannot start sessions there: {0}", "Choose another pool."),
        Reason.EngineUnreachable => new(SessionStatus.Launching, true, "The container engine cannot be reached: {0}", "Start the engine; the session goes on by itself."),
        Reason.NodeAway => new(SessionStatus.Launching, true, "Its machine cannot be reached: {0}", "It goes on by itself when the machine is back: look there whether it is on, and `berth-node` runs."),
        Reason.NodeLost => new(SessionStatus.Failed, false, "The machine that it ran on is lost: {0}", "It goes on by itself when the machine comes back. To start elsewhere instead, without its work: `berth session start --instead-of {name}`."),
        Reason.NodeRemoved => new(SessionStatus.Ended, false, "Its machine was removed: {0}", "Its work is still on that machine, which Berth does not reach any more."),
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "A reason without a rule."),
    };

    /// <summary>The sentence of a reason with its particulars.</summary>
    public static string Sentence(this Reason reason, string? detail)
    {
        var (sentence, said) = (reason.Rule().Sentence, string.IsNullOrEmpty(detail) ? "no particulars" : detail);
        // Particulars may be a sentence of their own.
        return sentence.Replace("{0}", sentence.EndsWith("{0}.", StringComparison.Ordinal) ? said.TrimEnd('.') : said, StringComparison.Ordinal);
    }

    /// <summary>What to do, for the session of this name.</summary>
    public static string? NextStep(this Reason reason, string sessionName) =>
        reason.Rule().NextStep?.Replace("{name}", sessionName, StringComparison.Ordinal);
}
