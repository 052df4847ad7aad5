using Berth.Core.Sessions;

namespace Berth.Server.Sessions;

/// <summary>The history that a change of state writes, in sentences.</summary>
public static class SessionHistory
{
    /// <summary>What happened between two states of a session.</summary>
    public static IEnumerable<NewEvent> Between(StoredSession before, StoredSession after, DateTimeOffset now)
    {
        var (was, now_) = (before.Session, after.Session);
        if (now_.Step == Step.Waiting && was is { Status: SessionStatus.Launching, Step: not Step.Waiting })
            yield return new("status", $"Back in line, at its old place. {now_.Line!.Refusals[^1].Words}", now);
        else if (was.Generation != now_.Generation)
            yield return new("status", $"Asked to start again (start {now_.Generation}).", now);
        else if (was.Status != now_.Status)
            yield return new("status", StatusSentence(now_), now);
        else if (now_.Reason is { } reason && was.Reason != reason && now_.Status == SessionStatus.Launching)
            yield return new("status", reason.Sentence(now_.Detail), now);
        else if (was.IsAway != now_.IsAway)
            yield return new("status", now_.IsAway ? StatusSentence(now_) : "Its machine is back, and it runs.", now);
        if (now_.Stage is { } stage && stage != was.Stage)
            yield return new("stage", StageSentence(stage), now);
        if (was.WarnedOf is null && after.ContinuedBy is null && Warnings.Of(now_) is { } near)
            yield return new("warned", $"{Warnings.Sentence(near, after.Facts.Name).Split(". ")[0]}. Its owner is warned {Deadline.Words(Rounded(near.At - now))} before.", now);
        foreach (var notice in after.Notices.Except(before.Notices))
            yield return new("notice", notice, now);
    }

    // The reconciler comes by a moment after the minute.
    private static TimeSpan Rounded(TimeSpan left) =>
        left < TimeSpan.FromMinutes(2) ? TimeSpan.FromSeconds(Math.Round(left.TotalSeconds)) : TimeSpan.FromMinutes(Math.Round(left.TotalMinutes));

    /// <summary>One sentence for where a session stands and why.</summary>
    public static string StatusSentence(Session session)
    {
        var why = session.Reason is { } reason ? reason.Sentence(session.Detail) : null;
        return session.Status switch
        {
            SessionStatus.Launching => why ?? (session.Stage is { } stage ? StageSentence(stage) : "It starts."),
            SessionStatus.Running => session.IsAway ? $"Whether it runs is not known. {why}" : "It runs.",
            SessionStatus.Pausing => "It is being paused.",
            SessionStatus.Paused when session.Reason == Reason.ByAdmin => $"It was paused by the administrator {session.Detail}.",
            SessionStatus.Paused => session.Reason is null or Reason.ByUser ? "It was paused by its owner." : why!,
            SessionStatus.Stopping => "It is being stopped.",
            _ => why ?? "It ended.",
        };
    }

    /// <summary>The reason in words; null while all is well. What its owner wanted of it is told by where it stands.</summary>
    public static string? Why(Session session) => session switch
    {
        { Reason: null } => null,
        { Reason: Reason.ByUser or Reason.ByAdmin, Status: not SessionStatus.Ended } => StatusSentence(session),
        { Reason: { } reason } => reason.Sentence(session.Detail),
    };

    /// <summary>A stage in words.</summary>
    public static string StageSentence(Stage stage) => stage switch
    {
        Stage.Queued => "It waits in the line for compute.",
        Stage.Placing => "Looking up its image.",
        Stage.Pulling => "Fetching its image.",
        Stage.Preparing => "Preparing its workspace.",
        _ => "Starting its front end.",
    };
}
