using Berth.Core.Queues;
using FsCheck;
using FsCheck.Fluent;
using static Berth.Core.Tests.Queues.Lab;

namespace Berth.Core.Tests.Queues;

/// <summary>Weeks of arrivals and ends at a lab, a quarter of an hour a step.</summary>
public sealed class StarvationProperties
{
    private const int StepsADay = 24 * 4;

    // No session of the lab runs for longer.
    private const double LongestHours = 4;

    [Fact]
    public void ABigSessionStartsInTimeAlthoughSmallOnesNeverStopComing() => Prop.ForAll(Storms.ToArbitrary(), storm =>
    {
        // Whatever comes later than the head starts stands behind it. What comes before is at most a quarter more work than
        // the machines do, beside the 5 h of it that stood there already; the rest is for a machine to be kept and to become free.
        var headStart = storm.HeadStart(new QueueRules()).TotalHours;
        Assert.InRange(WaitOfBig(storm, new QueueRules())?.TotalHours ?? double.PositiveInfinity, 0, 5 + 1.25 * headStart + 0.5 + 3 * LongestHours);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    // What the property above would look like if there were nothing to be seen.
    [Fact]
    public void ItWouldStarveIfNoMachineWereKeptForIt() =>
        Assert.Null(WaitOfBig(new Storm(1, BigPriority: 0, SmallPriority: 0, OtherQueue: false, Fair: false, KnownEnds: false), new QueueRules { Patience = TimeSpan.FromDays(1000) }));

    [Fact]
    public void ItWouldStarveIfPrioritiesWereForEver() =>
        Assert.Null(WaitOfBig(new Storm(1, BigPriority: -1, SmallPriority: 1, OtherQueue: false, Fair: false, KnownEnds: true), new QueueRules { PriorityStep = TimeSpan.FromDays(1000) }));

    [Fact]
    public void EverySessionThatFitsStartsInWeeksOfOrdinaryUse() => Prop.ForAll(Gen.Choose(1, 1_000_000).ToArbitrary(), seed =>
    {
        var random = new System.Random(seed);
        var lab = new Simulation([Machine("big", cpu: 32, gpus: 8, queues: ["a", "b"]), Machine("fair", gpus: 4, queues: ["b", "a"]) with { Fair = true }, Machine("plain", queues: ["b"])], new QueueRules());
        for (var step = 0; step < 14 * StepsADay; step++)
        {
            // About two thirds of what the gpus can do; most sessions are small, some need a whole machine.
            if (random.NextDouble() < 0.55)
                lab.Submit(gpus: random.NextDouble() < 0.05 ? 8 : random.Next(0, 4), hours: random.NextDouble() * LongestHours, known: random.Next(2) == 0, owner: $"user{random.Next(6)}", queue: random.Next(2) == 0 ? "a" : "b", priority: random.Next(-1, 2));
            lab.Step();
        }

        var waits = lab.Waits();
        Assert.Equal(lab.Submitted, waits.Count + lab.Never);
        Assert.InRange(waits.Max(), TimeSpan.Zero, TimeSpan.FromDays(3));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(20));

    /// <summary>A session that needs all of the largest machine, among small ones that never stop coming.</summary>
    private sealed record Storm(int Seed, int BigPriority, int SmallPriority, bool OtherQueue, bool Fair, bool KnownEnds)
    {
        public TimeSpan HeadStart(QueueRules rules) =>
            Math.Max(0, SmallPriority - BigPriority) * rules.PriorityStep + (OtherQueue ? rules.QueueStep : TimeSpan.Zero);
    }

    private static readonly Gen<Storm> Storms =
        from seed in Gen.Choose(1, 1_000_000)
        from big in Gen.Choose(-1, 0)
        from small in Gen.Choose(0, 2)
        from other in Gen.Elements(false, true)
        from fair in Gen.Elements(false, true)
        from known in Gen.Elements(false, true)
        select new Storm(seed, big, small, other, fair, known);

    private static TimeSpan? WaitOfBig(Storm storm, QueueRules rules)
    {
        var random = new System.Random(storm.Seed);
        string[] queues = ["small", "big"];
        var lab = new Simulation([Machine("lab1", cpu: 64, gpus: 8, queues: queues) with { Fair = storm.Fair }, Machine("lab2", cpu: 64, gpus: 4, queues: queues)], rules);
        for (var step = 0; step < 10 * StepsADay; step++)
        {
            // A little more than the 12 gpus can do: 2.1 h on the average, 1.5 each quarter of an hour; at first a third more.
            for (var i = step < StepsADay / 2 ? 2 : random.Next(1, 3); i > 0; i--)
                lab.Submit(gpus: 1, hours: 0.25 + random.NextDouble() * (LongestHours - 0.25), known: storm.KnownEnds, owner: $"user{lab.Submitted}", queue: "small", priority: storm.SmallPriority);
            if (step == StepsADay / 2)
                lab.Submit(gpus: 8, hours: 1, known: storm.KnownEnds, owner: "ada", queue: storm.OtherQueue ? "big" : "small", priority: storm.BigPriority, id: "big");
            lab.Step();
            if (lab.WaitOf("big") is { } wait)
                return wait;
        }

        return null;
    }
}
