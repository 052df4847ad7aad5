using Berth.Core.Queues;

namespace Berth.Core.Tests.Queues;

/// <summary>A lab over time: sessions come, are placed by the scheduler, and end.</summary>
internal sealed class Simulation(IReadOnlyList<Node> nodes, QueueRules rules)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMinutes(15);

    private readonly Dictionary<string, TimeSpan> _lengths = [];
    private readonly Dictionary<string, TimeSpan> _waits = [];
    private readonly Dictionary<string, DateTimeOffset> _ends = [];
    private IReadOnlyList<Node> _nodes = nodes;
    private List<WaitingSession> _waiting = [];
    private DateTimeOffset _now = Lab.Now;

    public int Submitted => _lengths.Count;

    /// <summary>How many cannot start on any machine.</summary>
    public int Never { get; private set; }

    public void Submit(int gpus, double hours, bool known, string owner, string queue, int priority, string? id = null)
    {
        var session = Lab.Session(id ?? $"s{Submitted:00000}", gpus: gpus, owner: owner, queue: queue, priority: priority) with { SubmittedAt = _now };
        _lengths[session.Id] = TimeSpan.FromHours(hours);
        _waiting.Add(known ? session with { Longest = TimeSpan.FromHours(hours) } : session);
    }

    /// <summary>What has ended is gone, what fits is placed, and a quarter of an hour passes.</summary>
    public void Step()
    {
        _nodes = [.. _nodes.Select(n => n with { Sessions = [.. n.Sessions.Where(s => _ends[s.Id] > _now)] })];
        var round = new Round(_now, _waiting, _nodes) { Rules = rules };
        var plan = Scheduler.Decide(round);
        _nodes = Lab.Apply(round, plan);
        var submitted = _waiting.ToDictionary(s => s.Id, s => s.SubmittedAt);
        foreach (var placement in plan.Placements)
        {
            _waits[placement.SessionId] = _now - submitted[placement.SessionId];
            _ends[placement.SessionId] = _now + _lengths[placement.SessionId];
        }

        var never = plan.Waits.Where(w => w.Reason.Never).Select(w => w.SessionId).ToHashSet();
        Never += never.Count;
        _waiting = [.. _waiting.Where(s => !_waits.ContainsKey(s.Id) && !never.Contains(s.Id))];
        _now += Tick;
    }

    public TimeSpan? WaitOf(string id) => _waits.TryGetValue(id, out var wait) ? wait : null;

    /// <summary>How long each waited, once nothing comes any more and all have been placed, or ten days have passed.</summary>
    public IReadOnlyCollection<TimeSpan> Waits()
    {
        for (var end = _now.AddDays(10); _waiting.Count > 0 && _now < end;)
            Step();
        return _waits.Values;
    }
}
