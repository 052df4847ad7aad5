using Berth.Contracts.Agents;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>A session as the loop holds it.</summary>
public sealed class Tracked(StoredSession stored)
{
    private static readonly TimeSpan UseSavedEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ProgressSavedEvery = TimeSpan.FromMilliseconds(700);
    private DateTimeOffset _progressSaved;

    // The moment, of those that DueAt is about, that has passed and was heeded.
    private DateTimeOffset? _met;

    /// <summary>As it was read or saved last.</summary>
    public StoredSession Stored { get; set; } = stored;

    /// <summary>Changes that are to be saved, applied again when a save lost a race.</summary>
    public List<Func<StoredSession, StoredSession>> Pending { get; } = [];

    /// <summary>What the provider showed of the session last, all generations.</summary>
    public IReadOnlyList<Observation> Seen { get; set; } = [];

    /// <summary>Begin of the observation that <see cref="Seen"/> is of.</summary>
    public long SeenStamp { get; set; }

    /// <summary>End of the last act.</summary>
    public long ActStamp { get; set; }

    /// <summary>What the agent said last, and of which generation.</summary>
    public (int Generation, AgentReport Report)? Agent { get; set; }

    /// <summary>The act on its way.</summary>
    public RunningAct? Act { get; set; }

    /// <summary>The generation of which a start may have been heard of by the provider; null: none.</summary>
    public int? MayHaveBegun { get; set; } = stored.Session.Step == Step.StartIntended ? stored.Session.Generation : null;

    /// <summary>Failed acts in a row, for the pause before the next try.</summary>
    public int Failures { get; private set; }

    /// <summary>No act before then; null: at any time.</summary>
    public DateTimeOffset? RetryAt { get; private set; }

    /// <summary>The row has changed since it was read.</summary>
    public bool Stale { get; set; }

    /// <summary>What went wrong without failing the session.</summary>
    public IReadOnlyList<string> Notices =>
        Agent is { } said && said.Generation == Stored.Session.Generation ? said.Report.Notices : Stored.Notices;

    /// <summary>Where the provider shows it; null: it does not say.</summary>
    public string? Address => Seen.FirstOrDefault(o => o.Key == Stored.Session.Key)?.Address;

    /// <summary>When it has to be looked at though nothing was heard of it: its next deadline or warning, or its next try.</summary>
    /// <remarks>Also while an act is on its way: it may hang, and a start has a deadline.</remarks>
    public DateTimeOffset DueAt
    {
        get
        {
            var deadline = Deadlines.NextLook(Stored.Session) is { } next && next != _met ? next : DateTimeOffset.MaxValue;
            return RetryAt is { } retry && retry < deadline ? retry : deadline;
        }
    }

    /// <summary>What was to be done for it failed.</summary>
    public void Failed(DateTimeOffset now)
    {
        Settled(now);
        RetryAt = now + RetryDelay.After(++Failures);
    }

    /// <summary>What was to be done succeeded, or is to be tried at once: the failures before are forgotten.</summary>
    /// <returns>Whether a next try was waited for.</returns>
    public bool Forgive()
    {
        var waited = RetryAt is not null;
        (Failures, RetryAt) = (0, null);
        return waited;
    }

    /// <summary>It was looked at, and what is due by now is done or on its way: it is not to be looked at again for that.</summary>
    public void Settled(DateTimeOffset now)
    {
        _met = Deadlines.NextLook(Stored.Session) is { } next && next <= now ? next : null;
        if (RetryAt <= now)
            RetryAt = null;
    }

    /// <summary>Takes in what an observation that began at a time shows of it.</summary>
    /// <returns>Whether that is something new.</returns>
    public bool Saw(IReadOnlyList<Observation> now, long stamp)
    {
        var changed = SeenStamp <= ActStamp || !now.SequenceEqual(Seen);
        (Seen, SeenStamp) = (now, stamp);
        return changed;
    }

    /// <summary>Takes in whether it is in use.</summary>
    /// <returns>Whether that is to be saved now: that it goes on being used is not worth a write each time. What is pending is
    /// saved with the next, and is heeded by a deadline in any case.</returns>
    public bool Used(Uses seen, Uses uses, DateTimeOffset at)
    {
        Pending.Add(s => s with { Session = Lifecycle.Seen(s.Session, seen, uses, at) });
        var session = Stored.Session;
        return (session.InUse & seen) != uses || at - session.LastUsed >= UseSavedEvery || session.WarnedOf is not null;
    }

    /// <summary>Takes in what a start is doing.</summary>
    /// <returns>Whether that is to be saved now: details are not worth a write each.</returns>
    public bool Progressed(SessionKey key, StageReport report, DateTimeOffset now)
    {
        var session = Stored.Session;
        // Stages are not left and entered again: who says so would have each saved.
        if (session.Key != key || report.Stage < session.Stage || (session.Stage == report.Stage && now - _progressSaved < ProgressSavedEvery))
            return false;
        _progressSaved = now;
        Pending.Add(s => s.Session.Key == key ? s with { Session = Lifecycle.Progress(s.Session, report, now) } : s);
        return true;
    }

    /// <summary>What is known of the present generation.</summary>
    /// <param name="absence">Of the machine that it is on; null: it is there.</param>
    public Sighting Sighting(Absence? absence)
    {
        var key = Stored.Session.Key;
        var seen = Seen.FirstOrDefault(o => o.Key == key);
        var foreign = absence is not null ? ForeignSighting.OnAwayMachine(absence)
            : seen is not null ? ForeignSighting.There(seen)
            : Act is null && SeenStamp > ActStamp ? ForeignSighting.NotThere
            : ForeignSighting.NotKnown;
        var agent = Agent is { } said && said.Generation == key.Generation ? AgentReports.Read(said.Report) : null;
        return new Sighting(foreign, agent);
    }
}

/// <summary>The agent's words in ours.</summary>
public static class AgentReports
{
    /// <summary>What an agent says a session is in use by; words that are not known are no use.</summary>
    public static Uses Uses(AgentActivity activity)
    {
        var uses = Core.Sessions.Uses.None;
        foreach (var word in activity.Uses ?? [])
        {
            uses |= word switch
            {
                AgentActivity.Gpu => Core.Sessions.Uses.Gpu,
                AgentActivity.Kernel => Core.Sessions.Uses.Kernel,
                AgentActivity.Terminal => Core.Sessions.Uses.Terminal,
                AgentActivity.Copy => Core.Sessions.Uses.Copy,
                _ => Core.Sessions.Uses.None,
            };
        }

        return uses;
    }

    /// <summary>Reads a report; words that are not known are taken as the least they can mean.</summary>
    public static AgentSighting Read(AgentReport report) => new(
        report.Stage == "preparing" ? Stage.Preparing : Stage.Starting,
        report.Detail,
        report.Ready,
        report.ExitCode,
        report.Failure is { } failure && Enum.TryParse<Reason>(failure.Replace("_", string.Empty, StringComparison.Ordinal), ignoreCase: true, out var reason)
            ? reason
            : null);
}
