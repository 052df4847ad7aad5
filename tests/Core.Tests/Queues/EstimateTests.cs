using Berth.Core.Queues;
using static Berth.Core.Tests.Queues.Lab;

namespace Berth.Core.Tests.Queues;

public sealed class EstimateTests
{
    private static readonly Node Full = Machine("lab1", cpu: 4).With("r1", cpu: 2).With("r2", cpu: 2);

    [Fact]
    public void NothingIsEstimatedFromLittle()
    {
        Assert.Null(Estimated([]));
        Assert.Null(Estimated([.. Ran(4, hours: 2)]));
    }

    [Fact]
    public void RecentDurationsTellHowFastTheLineMoves() =>
        // 4 cores, each given back after 2 h on the average; 2 cores stand before and are asked for by this one.
        Assert.Equal(new Estimate(Now.AddHours(1), EstimateBasis.Durations), Estimated([.. Ran(5, hours: 2)]));

    [Fact]
    public void WhereNoneHasEndedWaitsOfThoseThatWaitedAsLongTell()
    {
        var waits = new[] { 1, 5, 30, 40, 50, 60, 70 }.Select(m => new RecentSession("lab", 0, TimeSpan.FromMinutes(m), null));
        Assert.Equal(new Estimate(Now.AddMinutes(50 - 10), EstimateBasis.Waits), Estimated([.. waits]));
    }

    [Fact]
    public void SessionsOfOtherQueuesAndWithGpusTellNothing() => Assert.Null(Estimated(
        [.. Ran(9, hours: 2).Select(r => r with { Queue = "other" }), .. Ran(9, hours: 2).Select(r => r with { Gpus = 1 })]));

    [Fact]
    public void WhatIsFurtherThanAMonthIsNotEstimated() => Assert.Null(Estimated([.. Ran(9, hours: 24 * 90)]));

    private static Estimate? Estimated(RecentSession[] recent) =>
        Scheduler.Decide(new(Now, [Session("s", cpu: 1, minutesAgo: 10), Session("before", cpu: 1, minutesAgo: 20)], [Full]) { Recent = recent }).WaitOf("s").Estimate;

    private static IEnumerable<RecentSession> Ran(int count, double hours) =>
        Enumerable.Repeat(new RecentSession("lab", 0, TimeSpan.Zero, TimeSpan.FromHours(hours)), count);
}
