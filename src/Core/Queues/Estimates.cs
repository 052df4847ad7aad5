namespace Berth.Core.Queues;

/// <summary>
/// Says when a waiting session may start: from what is known, else from how long recent sessions ran, else from how long
/// they waited. Nothing where that is too little to go by.
/// </summary>
internal sealed class Estimates
{
    /// <summary>Fewer recent sessions than this say nothing.</summary>
    private const int Enough = 5;

    /// <summary>What lies further away is as good as not known.</summary>
    private static readonly TimeSpan Horizon = TimeSpan.FromDays(30);

    private readonly DateTimeOffset _now;
    private readonly Fleet _fleet;
    private readonly Dictionary<Candidate, DateTimeOffset> _knownAt;
    private readonly ILookup<Kind, RecentSession> _recent;
    private readonly Dictionary<Kind, TimeSpan?> _meanDurations;

    public Estimates(Round round, Fleet fleet)
    {
        (_now, _fleet) = (round.Now, fleet);
        _knownAt = fleet.Nodes.Where(n => n.Hold?.KnownAt > round.Now).ToDictionary(n => n.Hold!.For, n => n.Hold!.KnownAt!.Value);
        _recent = round.Recent.OrderBy(r => r.Waited).ToLookup(r => new Kind(QueueRules.Key(r.Queue), r.Gpus > 0));
        _meanDurations = _recent.ToDictionary(kind => kind.Key, Mean);
    }

    /// <summary>Sessions are compared with those of the same queue that needed gpus, or did not, as they do.</summary>
    private readonly record struct Kind(string Queue, bool Gpus)
    {
        public Resource Unit => Gpus ? Resource.Gpus : Resource.Cpu;
    }

    /// <summary>An estimate, or none, for each session of one queue, which are given in their order.</summary>
    public IEnumerable<Estimate?> Of(IEnumerable<Candidate> queue)
    {
        var (gpus, others) = (0L, 0L);
        foreach (var candidate in queue)
        {
            var kind = new Kind(candidate.Queue, candidate.Demand.Gpus > 0);
            var ahead = kind.Gpus ? gpus += candidate.Demand.Gpus : others += candidate.Demand.MilliCpu;
            var estimate = _knownAt.TryGetValue(candidate, out var known) ? new(known, EstimateBasis.KnownEnds)
                : !_fleet.Serving(candidate).Any(n => n.TakesSessions && n.CouldEverTake(candidate)) ? null
                : FromDurations(kind, ahead, candidate) ?? FromWaits(kind, candidate);
            yield return estimate?.At - _now < Horizon ? estimate : null;
        }
    }

    // As fast as what runs now ends on the average, so fast goes what stands before.
    private Estimate? FromDurations(Kind kind, long ahead, Candidate candidate)
    {
        if (_meanDurations.GetValueOrDefault(kind) is not { } mean || ahead == 0)
            return null;
        var running = _fleet.Serving(candidate).Where(n => n.TakesSessions).Sum(n => n.Used[kind.Unit]);
        var wait = mean.TotalSeconds * ahead / running; // infinite where nothing runs
        return wait < Horizon.TotalSeconds ? new(_now + TimeSpan.FromSeconds(Math.Round(wait)), EstimateBasis.Durations) : null;
    }

    private Estimate? FromWaits(Kind kind, Candidate candidate)
    {
        var waited = _now - candidate.Session.SubmittedAt;
        var longer = _recent[kind].Where(r => r.Waited >= waited).ToList();
        return longer.Count < Enough ? null : new(candidate.Session.SubmittedAt + longer[longer.Count / 2].Waited, EstimateBasis.Waits);
    }

    private static TimeSpan? Mean(IEnumerable<RecentSession> sessions)
    {
        var ran = sessions.Where(s => s.Ran > TimeSpan.Zero).Select(s => s.Ran!.Value.TotalSeconds).ToList();
        return ran.Count < Enough ? null : TimeSpan.FromSeconds(ran.Average());
    }
}
