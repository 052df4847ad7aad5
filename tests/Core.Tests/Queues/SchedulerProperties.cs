using Berth.Core.Queues;
using FsCheck;
using FsCheck.Fluent;
using static Berth.Core.Tests.Queues.Lab;

namespace Berth.Core.Tests.Queues;

public sealed class SchedulerProperties
{
    [Fact]
    public void NoMachineIsEverGivenMoreThanItOffers() => Holds((round, _) => Applied(round).All(node =>
        Within(node.Cpu, node.Sessions.Sum(s => s.Demand.Cpu)) && Within(node.MemoryBytes, node.Sessions.Sum(s => s.Demand.MemoryBytes))
        && Within(node.DiskBytes, node.Sessions.Sum(s => s.Demand.DiskBytes))));

    [Fact]
    public void AGpuIsOneSessionsAloneAndNeverOneThatOthersUse() => Holds((round, plan) => Applied(round).All(node =>
    {
        var placed = plan.Placements.Where(p => p.NodeId == node.Id).ToList();
        var given = node.Sessions.SelectMany(s => s.GpuIds).ToList();
        return given.Distinct().Count() == given.Count && given.TrueForAll(node.GpuIds.Contains)
            && placed.TrueForAll(p => !p.GpuIds.Any(node.GpusUsedOutside.Contains) && p.GpuIds.Count == Of(round, p).Demand.Gpus);
    }));

    [Fact]
    public void OnlyMachinesThatMayTakeASessionGetIt() => Holds((round, plan) => plan.Placements.All(p =>
    {
        var (node, session) = (round.Nodes.Single(n => n.Id == p.NodeId), Of(round, p));
        var closes = node.Uptime?.NextChange(round.Now) - round.Now;
        return !node.Draining && node.Problem is null && !(node.RestsUntil > round.Now) && (session.Only ?? node.Id) == node.Id
            && !session.RefusedBy.Any(r => r.NodeId == node.Id && !(r.AgainAt <= round.Now)) && node.LostSince is null && node.Uptime?.IsOpen(round.Now) != false && node.Queues.Contains(session.Queue)
            && (node.Owner is null || node.Owner == session.Owner) && !(session.Longest > closes);
    }));

    [Fact]
    public void ASessionIsPlacedOrWaitsAndPositionsHaveNoGaps() => Holds((round, plan) =>
        plan.Placements.Select(p => p.SessionId).Concat(plan.Waits.Select(w => w.SessionId)).Order().SequenceEqual(round.Waiting.Select(s => s.Id).Order())
        && plan.Waits.Where(w => w.Position is not null).GroupBy(w => round.Waiting.Single(s => s.Id == w.SessionId).Queue)
            .All(queue => queue.Select(w => w.Position!.Value).SequenceEqual(Enumerable.Range(1, queue.Count())))
        && plan.Waits.All(w => w.Position is null == w.Reason.Never && w.Reason.Sentence(round.Now, TimeZoneInfo.Utc).Length > 10));

    [Fact]
    public void TheOrderInWhichARoundIsListedChangesNothing() => Holds((round, plan) =>
        Told(plan) == Told(Scheduler.Decide(round with { Waiting = [.. round.Waiting.Reverse()], Nodes = [.. round.Nodes.Reverse()] })));

    [Fact]
    public void InWhichCaseAMachineWritesItsQueuesChangesNothing() => Holds((round, plan) => Told(plan) == Told(Scheduler.Decide(
        round with { Nodes = [.. round.Nodes.Select(n => n with { Queues = [.. n.Queues.Select(q => q.ToUpperInvariant())], LastQueue = n.LastQueue?.ToUpperInvariant() })] })));

    [Fact]
    public void WhatWasDecidedIsAllThatCouldBe() => Holds((round, plan) =>
    {
        // What is on its owner's own machine does not count against the owner any more: others move up in the next round.
        if (round.Nodes.Any(n => n.Owner is not null))
            return true;
        var placed = plan.Placements.Select(p => p.SessionId).ToHashSet();
        return Scheduler.Decide(round with { Waiting = [.. round.Waiting.Where(s => !placed.Contains(s.Id))], Nodes = Applied(round) }).Placements.Count == 0;
    });

    [Fact]
    public void OfSessionsThatAreAlikeTheFirstToComeIsServedFirst() => Holds((round, plan) =>
    {
        var placed = plan.Placements.Select(p => p.SessionId).ToHashSet();
        return round.Waiting.GroupBy(s => (s.Queue, s.Owner, s.Priority, s.Demand, s.Longest, s.Only, string.Join(' ', s.RefusedBy)))
            .All(alike => alike.OrderBy(s => s.SubmittedAt).ThenBy(s => s.Id, StringComparer.Ordinal).SkipWhile(s => placed.Contains(s.Id)).All(s => !placed.Contains(s.Id)));
    });

    private static void Holds(Func<Round, Plan, bool> property) => Prop.ForAll(
        Rounds.ToArbitrary(), round => property(round, Scheduler.Decide(round))).Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(60));

    private static readonly string[] Queues = ["a", "b", "c"];

    private static readonly UptimeWindow?[] Windows =
        [null, null, null, UptimeWindow.Parse("08:00-14:00", TimeZoneInfo.Utc), UptimeWindow.Parse("14:00-08:00", TimeZoneInfo.Utc), UptimeWindow.Parse("Fri 11:00-12:30", TimeZoneInfo.Utc)];

    private static readonly TimeSpan?[] Lengths = [null, TimeSpan.FromMinutes(20), TimeSpan.FromHours(2), TimeSpan.FromHours(24)];

    private static readonly Gen<WaitingSession> Sessions =
        from cpu in Gen.Elements(0, 0.1, 0.5, 1, 2, 4)
        from memory in Gen.Choose(0, 8)
        from gpus in Gen.Elements(0, 0, 1, 2, 4)
        from owner in Gen.Elements("ada", "ben", "cora")
        from queue in Gen.Elements(Queues)
        from priority in Gen.Choose(-1, 1)
        from minutes in Gen.Elements(0, 1, 5, 20, 40, 300, 2000)
        from longest in Gen.Elements(Lengths)
        from only in Gen.Elements(null, null, null, "m0")
        from refused in Gen.Elements(null, null, null, "m0", "m1")
        from again in Gen.Elements<DateTimeOffset?>(null, Now.AddMinutes(-1), Now.AddMinutes(5))
        select Session("", cpu, memory, gpus, 1, owner, queue, priority, minutes) with
        {
            Longest = longest,
            Only = only,
            RefusedBy = refused is null ? [] : [new RefusedBy(refused, "No.", again)],
        };

    private static readonly Gen<Node> Machines =
        from cpu in Gen.Elements(1.0, 4, 8)
        from memory in Gen.Elements(4, 16)
        from gpus in Gen.Elements(0, 1, 2, 4)
        from used in Gen.Choose(0, 3)
        from order in Gen.Shuffle(Queues)
        from count in Gen.Choose(1, 3)
        from fair in Gen.Elements(false, true)
        from last in Gen.Elements(null, "a", "b", "gone")
        from window in Gen.Elements(Windows)
        from state in Gen.Elements("", "", "", "", "draining", "lost", "own", "rests", "unwell")
        select Machine("m", cpu, memory, gpus, queues: [.. order.Take(count)]) with
        {
            Fair = fair,
            LastQueue = last,
            Uptime = window,
            GpusUsedOutside = used == 1 ? new HashSet<string> { "gpu0", "gpu2" } : new HashSet<string>(),
            GpuIds = [.. Enumerable.Range(0, gpus).Select(i => $"gpu{i}")],
            Draining = state == "draining",
            LostSince = state == "lost" ? Now : null,
            RestsUntil = state == "rests" ? Now.AddMinutes(3) : null,
            Problem = state == "unwell" ? "No engine answers." : null,
            Owner = state == "own" ? "ada" : null,
        };

    // What runs on the machines is what an earlier round placed there, so that it is something that can be.
    private static readonly Gen<Round> Rounds =
        from nodes in Gen.ListOf(Machines)
        from earlier in Gen.ListOf(Sessions)
        from waiting in Gen.ListOf(Sessions)
        let named = nodes.Take(6).Select((n, i) => n with { Id = $"m{i}", Name = $"m{i}" }).ToList()
        let before = new Round(Now.AddHours(-1), Named("old", earlier.Select(s => s with { SubmittedAt = s.SubmittedAt.AddHours(-1) })), named)
        select new Round(Now, Named("new", waiting), Applied(before));

    private static List<WaitingSession> Named(string name, IEnumerable<WaitingSession> sessions) => [.. sessions.Select((s, i) => s with { Id = $"{name}{i:00}" })];

    private static WaitingSession Of(Round round, Placement placement) => round.Waiting.Single(s => s.Id == placement.SessionId);

    private static IReadOnlyList<Node> Applied(Round round) => Lab.Apply(round, Scheduler.Decide(round));

    private static bool Within(double offered, double given) => given <= offered + 1e-9;

    private static string Told(Plan plan) => string.Join(
        '\n',
        [
            .. plan.Placements.Select(p => $"{p.SessionId} {p.NodeId} {string.Join(' ', p.GpuIds)} {p.ClosesAt}"),
            .. plan.Waits.Select(w => $"{w.SessionId} {w.Position} {w.Reason.Sentence(Now, TimeZoneInfo.Utc)} {w.Estimate}"),
            $"{plan.LookAgainAt}",
        ]);
}
