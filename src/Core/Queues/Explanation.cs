namespace Berth.Core.Queues;

/// <summary>Finds out why a session waits, after all placements of a round.</summary>
internal sealed class Explanation(Fleet fleet, DateTimeOffset now)
{
    public WaitReason WhyNever(Candidate candidate)
    {
        var (session, nodes) = (candidate.Session, fleet.Serving(candidate).ToList());
        if (nodes.Count == 0)
            return new NoMachine(session.Queue);
        var large = nodes.Where(n => candidate.Size.FitsIn(n.Offered)).MaxBy(n => n.Node.Uptime?.LongestOpen);
        if (large is not null)
            return new OpenTooShort(session.Queue, session.Longest!.Value, large.Node.Uptime!.LongestOpen!.Value, large.Node.Name);

        Resource? scarce = Enum.GetValues<Resource>().Where(r => nodes.All(n => n.Offered[r] < candidate.Size[r]))
            .Select(r => (Resource?)r).MaxBy(r => nodes.Min(n => Lack(candidate.Size, n.Offered, r!.Value)));
        var nearest = scarce is { } resource ? nodes.MaxBy(n => n.Offered[resource])! : nodes.MinBy(n => Worst(candidate.Size, n.Offered).Lack)!;
        return new TooBig(session.Queue, scarce, session.Demand with { DiskBytes = 0 }, ToDemand(nearest.Offered with { Disk = 0 }), nearest.Node.Name);
    }

    public WaitReason WhyNotNow(Candidate candidate)
    {
        var session = candidate.Session;
        var able = fleet.Serving(candidate).Where(n => n.CouldEverTake(candidate)).ToList();
        var here = able.Where(n => n.TakesSessions).ToList();
        if (here.Count == 0)
            return new AllAway([.. able.Select(n => WhyAway(n)).OrderBy(a => a.Until ?? DateTimeOffset.MaxValue)]);
        var asked = here.Where(n => n.MayBeAsked(candidate)).ToList();
        if (asked.Count == 0)
        {
            var (by, refusal) = here.Select(n => (n, n.RefusalOf(candidate)!)).MinBy(r => r.Item2.AgainAt ?? DateTimeOffset.MaxValue);
            return new RefusedThere(by.Node.Name, refusal.Words, refusal.AgainAt);
        }

        var longEnough = asked.Where(n => n.IsOpenFor(candidate, now)).ToList();
        if (longEnough.Count == 0)
        {
            var last = asked.MaxBy(n => n.ClosesAt)!;
            return new ClosesTooSoon(last.Node.Name, last.ClosesAt!.Value, session.Longest!.Value);
        }

        if (longEnough.FirstOrDefault(n => n.HasRoom(candidate)) is { } kept)
            return new KeptForAnother(kept.Node.Name, kept.Hold?.KnownAt);

        var nearest = longEnough.MinBy(n => Worst(candidate.Demand, n.Free).Lack)!;
        var scarce = Worst(candidate.Demand, nearest.Free).Resource;
        return new TooLittleFree(
            scarce, session.Demand, ToDemand(nearest.Free), nearest.Node.Name, nearest.NextRelease(scarce), nearest.GpusUsedOutside);
    }

    private static Away WhyAway(NodeState state) => state switch
    {
        { Node.LostSince: { } since } => new(state.Node.Name, AwayCause.Lost, since, null),
        { Node.Problem: { } problem } => new(state.Node.Name, AwayCause.Unwell, null, null) { Problem = problem },
        { Node.Draining: true } => new(state.Node.Name, AwayCause.Draining, null, null),
        { Rests: true } => new(state.Node.Name, AwayCause.Resting, null, state.Node.RestsUntil),
        _ => new(state.Node.Name, AwayCause.Closed, null, state.NextChange),
    };

    // The share of what it needs that is not there, of the resource where that is worst.
    private static (double Lack, Resource Resource) Worst(Amounts demand, Amounts there)
    {
        var worst = (Lack: double.MinValue, Resource: Resource.Cpu);
        for (var resource = Resource.Cpu; resource <= Resource.Disk; resource++)
            if (demand[resource] > 0 && Lack(demand, there, resource) is var lack && lack > worst.Lack)
                worst = (lack, resource);
        return worst;
    }

    private static double Lack(Amounts demand, Amounts there, Resource resource) =>
        (double)(demand[resource] - there[resource]) / demand[resource];

    private static Demand ToDemand(Amounts amounts) => new(
        Math.Max(0, amounts.MilliCpu) / 1000.0, Math.Max(0, amounts.Memory), (int)Math.Max(0, amounts.Gpus), Math.Max(0, amounts.Disk));
}
