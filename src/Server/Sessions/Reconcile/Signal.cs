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
    public sealed record Worked(string SessionId, int Generation, double Cores, Uses Uses, DateTimeOffset At) : Signal
    {
        /// <summary>What that is by a session's own limits, which say when its processor is busy.</summary>
        public Uses In(Limits limits) => Uses | (Cores >= limits.IdleCpu ? Uses.Processor : Uses.None);
    }

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
