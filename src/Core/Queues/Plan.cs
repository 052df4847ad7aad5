namespace Berth.Core.Queues;

/// <summary>All that a round of placement is decided from.</summary>
/// <param name="Now">The time.</param>
/// <param name="Waiting">The sessions without a machine, in any order.</param>
/// <param name="Nodes">The machines that joined, in any order.</param>
public sealed record Round(DateTimeOffset Now, IReadOnlyList<WaitingSession> Waiting, IReadOnlyList<Node> Nodes)
{
    /// <summary>Sessions of the last days, for estimates.</summary>
    public IReadOnlyList<RecentSession> Recent { get; init; } = [];

    /// <summary>What counts for how much.</summary>
    public QueueRules Rules { get; init; } = new();
}

/// <summary>
/// What a round decided. The same round after it places nothing more, but where a session was given its owner's own
/// machine: it no longer counts against its owner, whose other sessions move up.
/// </summary>
/// <param name="Placements">In the order in which they were decided.</param>
/// <param name="Waits">All others, each queue in its order.</param>
/// <param name="LookAgainAt">When time alone may change the decision: a machine's uptime window begins or ends, or one that refused may be asked again. Null: never.</param>
public sealed record Plan(IReadOnlyList<Placement> Placements, IReadOnlyList<Wait> Waits, DateTimeOffset? LookAgainAt);

/// <summary>A session is given a machine.</summary>
/// <param name="SessionId">Which session.</param>
/// <param name="NodeId">Which machine.</param>
/// <param name="Queue">The machine's queue from which it was taken.</param>
/// <param name="GpuIds">The gpus that are its own as long as it has the machine; as many as it needs.</param>
/// <param name="ClosesAt">When the machine's uptime window ends, where that may be before the session does; its owner is to be told. Null otherwise.</param>
public sealed record Placement(string SessionId, string NodeId, string Queue, IReadOnlyList<string> GpuIds, DateTimeOffset? ClosesAt);

/// <summary>A session goes on waiting.</summary>
/// <param name="SessionId">Which session.</param>
/// <param name="Position">1 is the first of its queue. Null: it can never start as things are, and stands in nobody's way.</param>
/// <param name="Reason">Why it waits.</param>
/// <param name="Estimate">When it may start; null: not known.</param>
public sealed record Wait(string SessionId, int? Position, WaitReason Reason, Estimate? Estimate);

/// <summary>When a session may start.</summary>
/// <param name="At">The time.</param>
/// <param name="Basis">Where that comes from.</param>
public sealed record Estimate(DateTimeOffset At, EstimateBasis Basis);

/// <summary>Where an estimate comes from.</summary>
public enum EstimateBasis
{
    /// <summary>A machine is kept for the session, and what runs there ends by then: it starts then at the latest.</summary>
    KnownEnds,
    /// <summary>How long recent sessions of its queue ran, and how much stands before it: the mean.</summary>
    Durations,
    /// <summary>How long recent sessions like it waited that waited at least as long as it has: the median.</summary>
    Waits,
}
