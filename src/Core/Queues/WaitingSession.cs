namespace Berth.Core.Queues;

/// <summary>A session that waits for a machine.</summary>
/// <param name="Id">ULID; no other waiting session has it.</param>
/// <param name="Owner">Id of its user.</param>
/// <param name="Queue">The queue that it stands in.</param>
/// <param name="Priority">0 is ordinary, more is sooner; what lies beyond ±<see cref="QueueRules.HighestPriority"/> counts as that.</param>
/// <param name="SubmittedAt">When its waiting began.</param>
/// <param name="Demand">What it needs; of disk, where its work is on a machine already, only what may be written yet.</param>
public sealed record WaitingSession(string Id, string Owner, string Queue, int Priority, DateTimeOffset SubmittedAt, Demand Demand)
{
    /// <summary>The longest that it may run (maximum age, walltime); null: nobody knows.</summary>
    public TimeSpan? Longest { get; init; }

    /// <summary>Id of the one machine that can take it, for its work is there; null: any. Its queue is one that this machine serves.</summary>
    public string? Only { get; init; }

    /// <summary>The machines that did not take it and are not to be asked now.</summary>
    public IReadOnlyList<RefusedBy> RefusedBy { get; init; } = [];
}

/// <summary>A machine did not take a session that it was given.</summary>
/// <param name="NodeId">Which.</param>
/// <param name="Words">Why, in a sentence.</param>
/// <param name="AgainAt">When it may be asked again; null: it is not.</param>
public sealed record RefusedBy(string NodeId, string Words, DateTimeOffset? AgainAt);

/// <summary>A session that has a machine, from the moment at which it was given it until nothing of it is there any more.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Owner">Id of its user.</param>
/// <param name="Queue">The queue that it stood in.</param>
/// <param name="Priority">That it waited with.</param>
/// <param name="SubmittedAt">When its waiting began.</param>
/// <param name="StartedAt">When it was given the machine.</param>
/// <param name="Demand">What it was given; of disk what it has not written yet (<see cref="NodeDisk.Unwritten"/>).</param>
/// <param name="GpuIds">The gpus that it was given; where these are fewer than it has, none of the machine counts as free.</param>
public sealed record PlacedSession(
    string Id, string Owner, string Queue, int Priority, DateTimeOffset SubmittedAt, DateTimeOffset StartedAt, Demand Demand, IReadOnlyList<string> GpuIds)
{
    /// <summary>When it ends at the latest; null: nobody knows. An idle limit is no such time: use moves it.</summary>
    public DateTimeOffset? EndsAt { get; init; }
}

/// <summary>A session of the past: what estimates are made of.</summary>
/// <param name="Queue">The queue that it stood in.</param>
/// <param name="Gpus">How many it had.</param>
/// <param name="Waited">From its submission until it was given a machine.</param>
/// <param name="Ran">From then until its end; null: it has not ended.</param>
public sealed record RecentSession(string Queue, int Gpus, TimeSpan Waited, TimeSpan? Ran);
