using Berth.Core.Queues;

namespace Berth.Core.Tests.Queues;

/// <summary>Machines and sessions of a lab, with what a test does not care about filled in.</summary>
internal static class Lab
{
    public const long GiB = 1L << 30;

    /// <summary>A Friday.</summary>
    public static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    public static Node Machine(string name, double cpu = 16, long memory = 64, int gpus = 0, long disk = 1000, string[]? queues = null) => new()
    {
        Id = name,
        Name = name,
        Queues = queues ?? ["lab"],
        Cpu = cpu,
        MemoryBytes = memory * GiB,
        DiskBytes = disk * GiB,
        GpuIds = [.. Enumerable.Range(0, gpus).Select(i => $"{name}-gpu{i}")],
    };

    public static WaitingSession Session(
        string id, double cpu = 1, long memory = 1, int gpus = 0, long disk = 1, string owner = "", string queue = "lab", int priority = 0, double minutesAgo = 0) =>
        new(id, owner.Length > 0 ? owner : $"owner-of-{id}", queue, priority, Now.AddMinutes(-minutesAgo), new(cpu, memory * GiB, gpus, disk * GiB));

    /// <summary>The machine with a session on it that takes the given part of it.</summary>
    public static Node With(this Node node, string id, double cpu = 1, long memory = 1, int gpus = 0, string owner = "", double startedHoursAgo = 1, double? endsInHours = null)
    {
        var taken = node.Sessions.SelectMany(s => s.GpuIds).ToHashSet();
        var placed = new PlacedSession(
            id, owner.Length > 0 ? owner : $"owner-of-{id}", node.Queues[0], 0, Now.AddHours(-startedHoursAgo), Now.AddHours(-startedHoursAgo),
            new(cpu, memory * GiB, gpus, GiB), [.. node.GpuIds.Where(g => !taken.Contains(g)).Take(gpus)])
        {
            EndsAt = endsInHours is { } hours ? Now.AddHours(hours) : null,
        };
        return node with { Sessions = [.. node.Sessions, placed] };
    }

    public static Plan Decide(IEnumerable<Node> nodes, params WaitingSession[] waiting) => Scheduler.Decide(new(Now, waiting, [.. nodes]));

    public static string? NodeOf(this Plan plan, string session) => plan.Placements.SingleOrDefault(p => p.SessionId == session)?.NodeId;

    public static Wait WaitOf(this Plan plan, string session) => plan.Waits.Single(w => w.SessionId == session);

    public static string Sentence(this Plan plan, string session) => plan.WaitOf(session).Reason.Sentence(Now, TimeZoneInfo.Utc);

    /// <summary>The machines after a plan was carried out.</summary>
    public static IReadOnlyList<Node> Apply(Round round, Plan plan)
    {
        var waiting = round.Waiting.ToDictionary(s => s.Id);
        return [.. round.Nodes.Select(node => plan.Placements.Where(p => p.NodeId == node.Id).Aggregate(node, (n, p) => Apply(n, waiting[p.SessionId], p, round.Now)))];
    }

    private static Node Apply(Node node, WaitingSession session, Placement placement, DateTimeOffset now) => node with
    {
        LastQueue = session.Queue,
        Sessions =
        [
            .. node.Sessions,
            new(session.Id, session.Owner, session.Queue, session.Priority, session.SubmittedAt, now, session.Demand, placement.GpuIds) { EndsAt = now + session.Longest },
        ],
    };
}
