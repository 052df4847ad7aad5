using Berth.Core.Queues;
using static Berth.Core.Tests.Queues.Lab;

namespace Berth.Core.Tests.Queues;

public sealed class WaitReasonTests
{
    private static readonly UptimeWindow Nights = UptimeWindow.Parse("Mon-Fri 18:00-08:00", TimeZoneInfo.Utc);

    [Fact]
    public void WhatIsShortIsToldWithTheMachineThatComesNearest()
    {
        var lab = new[] { Machine("lab2", gpus: 4).With("a", gpus: 4), Machine("lab3", gpus: 2).With("b", gpus: 1, endsInHours: 2.5) };
        var plan = Decide(lab, Session("s", gpus: 2));
        Assert.Equal("needs 2 gpus, 1 free on lab3; next frees at 14:30 UTC", plan.Sentence("s"));
    }

    [Theory]
    [InlineData(4, 2, 0, 1, "needs 4 cores, 3.5 free on lab1; next frees at Sat 13:00 UTC")]
    [InlineData(1, 60, 0, 1, "needs 60 GiB of memory, 54 GiB free on lab1; next frees at Sat 13:00 UTC")]
    [InlineData(1, 1, 0, 1000, "needs 1000 GiB of disk, 999 GiB free on lab1; next frees at Sat 13:00 UTC")]
    public void EachResourceHasItsWords(double cpu, long memory, int gpus, long disk, string sentence)
    {
        var lab = Machine("lab1", cpu: 4).With("r", cpu: 0.5, memory: 10, endsInHours: 25);
        Assert.Equal(sentence, Decide([lab], Session("s", cpu, memory, gpus, disk)).Sentence("s"));
    }

    [Fact]
    public void GpusThatOthersUseAreTold()
    {
        var lab = Machine("lab3", gpus: 2) with { GpusUsedOutside = new HashSet<string> { "lab3-gpu0" } };
        var plan = Decide([lab], Session("s", gpus: 2));
        Assert.Equal("needs 2 gpus, 1 free on lab3 (1 not Berth's to give)", plan.Sentence("s"));
        Assert.False(plan.WaitOf("s").Reason.Never);
    }

    [Fact]
    public void WhatFitsNoMachineIsToldAtOnceAndStandsInNobodysWay()
    {
        var lab = Machine("lab1", gpus: 4, queues: ["big"]) with { LostSince = Now };
        var plan = Decide([lab, Machine("other", gpus: 8)], Session("s", gpus: 8, queue: "big"), Session("t", gpus: 1, queue: "big"));
        Assert.Equal("no machine of the queue 'big' has 8 gpus; the largest has 4", plan.Sentence("s"));
        Assert.True(plan.WaitOf("s").Reason.Never);
        Assert.Null(plan.WaitOf("s").Position);
        Assert.Equal(1, plan.WaitOf("t").Position);
    }

    [Fact]
    public void WhatNoMachineHasTogetherIsTold()
    {
        var plan = Decide([Machine("lab1", cpu: 64, memory: 8), Machine("lab2", cpu: 8, memory: 64)], Session("s", cpu: 16, memory: 16, disk: 0));
        Assert.Equal(
            "no machine of the queue 'lab' has 16 cores and 16 GiB of memory together; lab1 comes nearest, with 64 cores and 8 GiB of memory",
            plan.Sentence("s"));
    }

    [Fact]
    public void AQueueWithoutMachinesIsTold()
    {
        var own = Machine("own") with { Owner = "ada" };
        Assert.Equal("no machine serves the queue 'lab'", Decide([own], Session("s", owner: "ben")).Sentence("s"));
    }

    [Fact]
    public void MachinesThatAreAwayTakeNothingAndSayWhy()
    {
        Node[] lab = [Machine("lab1") with { Draining = true }, Machine("lab2") with { Uptime = Nights }, Machine("lab3") with { LostSince = Now.AddDays(-9) }];
        var plan = Decide(lab, Session("s"));
        Assert.Equal("lab2 opens at 18:00 UTC, lab1 takes nothing new, lab3 has not been heard of since 2026-11-11 12:00 UTC", plan.Sentence("s"));
        Assert.Equal(Now.AddHours(6), plan.LookAgainAt);
        Assert.Null(plan.WaitOf("s").Estimate);
        lab = [.. lab, Machine("lab4") with { Draining = true }, Machine("lab5") with { Draining = true }];
        Assert.EndsWith(", and 2 more are away", Decide(lab, Session("s")).Sentence("s"));
    }

    [Fact]
    public void WhatIsKnownToNeedLongerDoesNotStartOnAMachineThatCloses()
    {
        var lab = Machine("lab1") with { Uptime = UptimeWindow.Parse("08:00-14:00", TimeZoneInfo.Utc) };
        Assert.Equal("lab1", Decide([lab], Session("s") with { Longest = TimeSpan.FromHours(2) }).NodeOf("s"));
        var late = Decide([lab], Session("s") with { Longest = TimeSpan.FromHours(3) });
        Assert.Equal("may run for 3 h, and lab1 closes at 14:00 UTC", late.Sentence("s"));
        var never = Decide([lab], Session("s") with { Longest = TimeSpan.FromHours(7) });
        Assert.Equal("may run for 7 h, and no machine of the queue 'lab' that is large enough is open so long; lab1 is for 6 h", never.Sentence("s"));
        Assert.True(never.WaitOf("s").Reason.Never);
    }

    [Fact]
    public void WhoMayBeCutShortIsToldAndTakesAnotherMachineIfThereIsOne()
    {
        var closing = Machine("lab1", cpu: 2) with { Uptime = UptimeWindow.Parse("08:00-13:00", TimeZoneInfo.Utc) };
        Assert.Equal(Now.AddHours(1), Decide([closing], Session("s")).Placements.Single().ClosesAt);
        Assert.Null(Decide([closing], Session("s") with { Longest = TimeSpan.FromHours(1) }).Placements.Single().ClosesAt);
        Assert.Equal("lab2", Decide([closing, Machine("lab2", gpus: 1)], Session("s")).NodeOf("s"));
    }
}
