using System.Runtime.InteropServices;

namespace Berth.Core.Queues;

/// <summary>A machine while a round is decided: what is free, and for whom it is kept.</summary>
internal sealed class NodeState
{
    // Sessions of unknown end count as ending this long after their start: later than any known end, and the eldest
    // first. It orders machines and is never shown to anybody.
    private static readonly long UnknownEnd = TimeSpan.FromDays(1000).Ticks;

    private readonly DateTimeOffset _now;
    private readonly List<string> _freeGpus;
    private readonly List<Release> _releases;
    private readonly Amounts _capacity; // all that is free or will be

    public NodeState(Node node, DateTimeOffset now)
    {
        Node = node;
        _now = now;
        var offered = node.GpuIds.Distinct(StringComparer.Ordinal).ToList();
        var usable = offered.Where(id => !node.GpusUsedOutside.Contains(id)).ToList();
        GpusUsedOutside = offered.Count - usable.Count;
        Offered = Amounts.Of(new(node.Cpu, node.MemoryBytes, offered.Count, node.DiskBytes));

        var taken = node.Sessions.SelectMany(s => s.GpuIds).ToHashSet(StringComparer.Ordinal);
        // Where it is not known which gpus a session has, any may be its own.
        _freeGpus = node.Sessions.Any(s => s.GpuIds.Count < s.Demand.Gpus) ? [] : [.. usable.Where(id => !taken.Contains(id))];
        _releases = [.. node.Sessions.Select(s => new Release(
            Amounts.Of(s.Demand) with { Gpus = s.GpuIds.Count(usable.Contains) },
            s.EndsAt?.UtcTicks ?? s.StartedAt.UtcTicks + UnknownEnd,
            s.EndsAt))];
        var unwritten = Offered with { Disk = Offered.Disk - Math.Max(0, node.DiskWrittenBytes) };
        Free = _releases.Aggregate(unwritten, (free, release) => free - release.Amounts) with { Gpus = _freeGpus.Count };

        _capacity = _releases.Aggregate(Free, (all, release) => all + release.Amounts);

        IsOpen = node.Uptime?.IsOpen(now) ?? true;
        NextChange = node.Uptime?.NextChange(now);
        Queues = [.. node.Queues.Select(QueueRules.Key).Distinct()];
        LastQueue = node.LastQueue is { } last ? QueueRules.Key(last) : null;
    }

    /// <summary>What gives back what, and when.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Release(Amounts Amounts, long At, DateTimeOffset? KnownAt);

    public Node Node { get; }

    /// <summary>All that it offers, the gpus that others use included.</summary>
    public Amounts Offered { get; }

    public Amounts Free { get; private set; }

    /// <summary>What Berth's sessions have.</summary>
    public Amounts Used => Offered - (Free with { Gpus = Free.Gpus + GpusUsedOutside });

    public int GpusUsedOutside { get; }

    public bool IsOpen { get; }

    /// <summary>When its uptime window ends or begins.</summary>
    public DateTimeOffset? NextChange { get; }

    public DateTimeOffset? ClosesAt => IsOpen ? NextChange : null;

    public bool TakesSessions => IsOpen && !Node.Draining && !Rests && Node.Problem is null && Node.LostSince is null;

    public bool Rests => Node.RestsUntil > _now;

    /// <summary>Keys of those that it serves, the most important first.</summary>
    public IReadOnlyList<string> Queues { get; }

    public string? LastQueue { get; private set; }

    /// <summary>A fair node takes one session a sweep: then it is the next queue's turn.</summary>
    public bool HadItsTurn { get; private set; }

    public Hold? Hold { get; set; }

    public void BeginSweep() => (HadItsTurn, Hold) = (false, null);

    public bool Serves(Candidate candidate) =>
        (Node.Owner is null || Node.Owner == candidate.Session.Owner) && (candidate.Session.Only is not { } only || only == Node.Id);

    /// <summary>Whether it may be asked: it has not refused the session just now, or too often.</summary>
    public bool MayBeAsked(Candidate candidate) => RefusalOf(candidate) is null;

    public RefusedBy? RefusalOf(Candidate candidate)
    {
        foreach (var refusal in candidate.Session.RefusedBy)
            if (refusal.NodeId == Node.Id && !(refusal.AgainAt <= _now))
                return refusal;
        return null;
    }

    /// <summary>Whether there is room now, whoever it is kept for.</summary>
    public bool HasRoom(Candidate candidate) => MayBeAsked(candidate) && candidate.Demand.FitsIn(Free) && IsOpenFor(candidate, _now);

    /// <summary>Whether the candidate may take the room: it is nobody's, or who it is kept for starts no later for it.</summary>
    public bool MayTake(Candidate candidate) => Hold is null || EndsBeforeHold(candidate) || candidate.Demand.FitsIn(Hold.Spare);

    /// <summary>Whether a session that starts then is not known to need longer than the machine is open.</summary>
    public bool IsOpenFor(Candidate candidate, DateTimeOffset start) =>
        ClosesAt is not { } closes || candidate.Session.Longest is not { } longest || longest <= closes - start;

    /// <summary>Whether it could take the session if nobody else were there.</summary>
    public bool CouldEverTake(Candidate candidate) =>
        candidate.Size.FitsIn(Offered) && (candidate.Session.Longest is not { } longest || Node.Uptime?.LongestOpen is not { } open || longest <= open);

    /// <summary>When there will be room if nothing else is placed here; null: never, as things are.</summary>
    public Hold? RoomFor(Candidate candidate)
    {
        if (!candidate.Demand.FitsIn(_capacity) || !MayBeAsked(candidate))
            return null;
        _releases.Sort((a, b) => a.At.CompareTo(b.At));
        var free = Free;
        var (at, known) = (_now.UtcTicks, (DateTimeOffset?)_now);
        var next = 0;
        while (!candidate.Demand.FitsIn(free) && next < _releases.Count)
        {
            (at, known) = (_releases[next].At, _releases[next].KnownAt);
            // Those that end at the same time end together.
            for (; next < _releases.Count && _releases[next].At == at; next++)
                free += _releases[next].Amounts;
        }

        return candidate.Demand.FitsIn(free) && IsOpenFor(candidate, known ?? _now)
            ? new Hold(this, candidate, at, known, free - candidate.Demand)
            : null;
    }

    /// <summary>The first known time at which something of a resource is given back.</summary>
    public DateTimeOffset? NextRelease(Resource resource) => _releases
        .Where(r => r.Amounts[resource] > 0 && r.KnownAt > _now).Min(r => r.KnownAt);

    public Placement Take(Candidate candidate)
    {
        var session = candidate.Session;
        if (Hold is not null && !EndsBeforeHold(candidate))
            Hold = Hold with { Spare = Hold.Spare - candidate.Demand };
        Free -= candidate.Demand;
        var gpus = _freeGpus[..(int)candidate.Demand.Gpus];
        _freeGpus.RemoveRange(0, gpus.Count);
        DateTimeOffset? end = session.Longest is { } longest ? _now + longest : null;
        _releases.Add(new(candidate.Demand, end?.UtcTicks ?? _now.UtcTicks + UnknownEnd, end));
        (LastQueue, HadItsTurn) = (candidate.Queue, Node.Fair);
        return new(session.Id, Node.Id, session.Queue, gpus, session.Longest is null ? ClosesAt : null);
    }

    private bool EndsBeforeHold(Candidate candidate) =>
        Hold?.KnownAt is { } at && candidate.Session.Longest is { } longest && longest <= at - _now;
}

/// <summary>Room that is kept for a session.</summary>
/// <param name="On">Where.</param>
/// <param name="For">For whom.</param>
/// <param name="At">When the room is there: ticks, by which machines are compared.</param>
/// <param name="KnownAt">The same, where it is known.</param>
/// <param name="Spare">What will still be free then beside the session: who fits in it is in nobody's way.</param>
internal sealed record Hold(NodeState On, Candidate For, long At, DateTimeOffset? KnownAt, Amounts Spare);
