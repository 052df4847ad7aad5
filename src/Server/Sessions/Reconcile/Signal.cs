using Berth.Contracts.Agents;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>Something that a loop is told. The loop alone changes its state, one signal after the other.</summary>
public abstract record Signal
{
    private Signal()
    {
    }

    /// <summary>The row of a session was changed by its owner.</summary>
    public sealed record Nudged(string SessionId) : Signal;

    /// <summary>The agent of a session said something.</summary>
    public sealed record Reported(string SessionId, int Generation, AgentReport Report) : Signal;

    /// <summary>What the agent sees a session in use by, and how many cores that takes.</summary>
    public sealed record Worked(string SessionId, int Generation, double Cores, Uses Uses, DateTimeOffset At) : Signal;

    /// <summary>Somebody gave a session input through the proxy, or has ceased to.</summary>
    public sealed record Touched(string SessionId, bool Input, DateTimeOffset At) : Signal;

    /// <summary>A start says what it is doing.</summary>
    public sealed record Progressed(SessionKey Key, StageReport Report) : Signal;

    /// <summary>An act ended; <paramref name="Error"/> is null when it was accepted.</summary>
    public sealed record ActEnded(RunningAct Act, Exception? Error) : Signal;

    /// <summary>The provider says that something may have changed.</summary>
    public sealed record Changed : Signal;

    /// <summary>A complete observation, begun at <paramref name="Stamp"/>.</summary>
    public sealed record Observed(long Stamp, IReadOnlyList<Observation> All) : Signal;

    /// <summary>The provider could not be asked.</summary>
    public sealed record NotObserved(string Why) : Signal;

    /// <summary>Something left over was removed, or could not be.</summary>
    public sealed record Reaped(SessionKey Key) : Signal;

    /// <summary>It is time to look at deadlines and retries.</summary>
    public sealed record Tick : Signal;
}

/// <summary>An act on its way.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Key">For which start of which session.</param>
/// <param name="Cancel">Stops it.</param>
public sealed record RunningAct(Act Kind, SessionKey Key, CancellationTokenSource Cancel);

/// <summary>A session as the loop holds it.</summary>
public sealed class Tracked(StoredSession stored)
{
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

    /// <summary>Failed acts in a row, for the pause before the next try.</summary>
    public int Failures { get; set; }

    /// <summary>No act before then.</summary>
    public DateTimeOffset RetryAt { get; set; }

    /// <summary>When a progress detail was saved last: details are not worth a write each.</summary>
    public DateTimeOffset ProgressSaved { get; set; }

    /// <summary>The row has changed since it was read.</summary>
    public bool Stale { get; set; }

    /// <summary>What is known of the present generation.</summary>
    public Sighting Sighting()
    {
        var key = Stored.Session.Key;
        var seen = Seen.FirstOrDefault(o => o.Key == key);
        var foreign = seen is not null ? ForeignSighting.There(seen)
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
