namespace Berth.Core.Queues;

/// <summary>A waiting session while a round is decided.</summary>
internal sealed class Candidate(WaitingSession session)
{
    public WaitingSession Session { get; } = session;

    /// <summary>Of <see cref="QueueRules.Key"/>.</summary>
    public string Queue { get; } = QueueRules.Key(session.Queue);

    public Amounts Demand { get; } = Amounts.Of(session.Demand);

    /// <summary>What of its demand a machine has or has not, whatever is on it. Space on disks comes and goes without anybody's doing.</summary>
    public Amounts Size => Demand with { Disk = 0 };

    /// <summary>
    /// Ticks of the time at which it counts as having come. It never grows while the session waits, and no session that
    /// comes later than the head starts allow can have a smaller one: that is why nobody waits for ever.
    /// </summary>
    public long Key { get; set; }

    /// <summary>Whether it has been given a machine in this round.</summary>
    public bool Placed { get; set; }
}

/// <summary>Puts sessions in the order in which they are to be served.</summary>
internal static class Line
{
    /// <summary>All candidates, first come first served after the head starts of <see cref="QueueRules"/>.</summary>
    public static List<Candidate> Of(IEnumerable<Candidate> candidates, IEnumerable<Node> nodes, QueueRules rules)
    {
        var placed = nodes.Where(node => node.Owner is null).SelectMany(node => node.Sessions)
            .ToLookup(s => (s.Owner, Queue: QueueRules.Key(s.Queue)), s => new Place(Clamped(s.Priority), s.SubmittedAt, s.Id, null));
        foreach (var own in candidates.GroupBy(c => (c.Session.Owner, c.Queue)))
            foreach (var (candidate, turn) in Turns(own.Select(c => new Place(Clamped(c.Session.Priority), c.Session.SubmittedAt, c.Session.Id, c)).Concat(placed[own.Key])))
                candidate.Key = Key(candidate.Session, turn, rules);
        return [.. candidates.OrderBy(c => c.Key).ThenBy(c => c.Session.SubmittedAt).ThenBy(c => c.Session.Id, StringComparer.Ordinal)];
    }

    /// <summary>A session that waits, or (without candidate) has a machine.</summary>
    private readonly record struct Place(int Priority, DateTimeOffset SubmittedAt, string Id, Candidate? Candidate);

    private static long Key(WaitingSession session, int turn, QueueRules rules) =>
        session.SubmittedAt.UtcTicks - Clamped(session.Priority) * rules.PriorityStep.Ticks + turn * rules.OwnSessionStep.Ticks;

    // How many sessions of the same owner came before each and are not over. Lower priorities do not count: who marks
    // work as unimportant must not be punished for it. What comes later does not count either: a turn never grows.
    private static IEnumerable<(Candidate Candidate, int Turn)> Turns(IEnumerable<Place> ofOneOwner)
    {
        var before = new int[2 * QueueRules.HighestPriority + 1];
        foreach (var place in ofOneOwner.OrderBy(s => s.SubmittedAt).ThenBy(s => s.Id, StringComparer.Ordinal))
        {
            var level = place.Priority + QueueRules.HighestPriority;
            if (place.Candidate is { } candidate)
                yield return (candidate, before[level]);
            for (var lower = 0; lower <= level; lower++)
                before[lower]++;
        }
    }

    private static int Clamped(int priority) => Math.Clamp(priority, -QueueRules.HighestPriority, QueueRules.HighestPriority);
}
