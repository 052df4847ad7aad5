using Berth.Core.Queues;
using static Berth.Core.Tests.Queues.Lab;

namespace Berth.Core.Tests.Queues;

public sealed class SchedulerTests
{
    [Fact]
    public void FirstComeFirstServed()
    {
        var plan = Decide([Machine("lab1", cpu: 2)], Session("c", minutesAgo: 1), Session("a", minutesAgo: 3), Session("b", minutesAgo: 2));
        Assert.Equal(["a", "b"], plan.Placements.Select(p => p.SessionId));
        Assert.Equal(1, plan.WaitOf("c").Position);
    }

    [Fact]
    public void AHigherPriorityGoesFirstUntilTheOtherHasWaitedAWorkingDayLonger()
    {
        Assert.Equal("lab1", Decide([Machine("lab1", cpu: 1)], Session("plain", minutesAgo: 479), Session("high", priority: 1)).NodeOf("high"));
        Assert.Equal("lab1", Decide([Machine("lab1", cpu: 1)], Session("plain", minutesAgo: 481), Session("high", priority: 1)).NodeOf("plain"));
    }

    [Fact]
    public void WhoAsksForManyDoesNotKeepOthersWaiting()
    {
        var many = Enumerable.Range(0, 10).Select(i => Session($"many{i}", owner: "ada", minutesAgo: 100 - i));
        var plan = Decide([Machine("lab1", cpu: 3)], [.. many, Session("one", owner: "ben")]);
        Assert.Equal(["many0", "many1", "one"], plan.Placements.Select(p => p.SessionId));
    }

    [Fact]
    public void SessionsThatRunCountToo()
    {
        var lab = Machine("lab1", cpu: 3).With("running", owner: "ada", startedHoursAgo: 5).With("too", owner: "ada", startedHoursAgo: 5);
        var plan = Decide([lab], Session("third", owner: "ada", minutesAgo: 100), Session("one", owner: "ben"));
        Assert.Equal("lab1", plan.NodeOf("one"));
    }

    [Fact]
    public void SessionsOfLowerPriorityAreNotHeldAgainstTheirOwner()
    {
        var low = Enumerable.Range(0, 20).Select(i => Session($"low{i}", owner: "ada", priority: -1, minutesAgo: 100));
        Assert.Equal("lab1", Decide([Machine("lab1", cpu: 1)], [.. low, Session("plain", owner: "ada")]).NodeOf("plain"));
    }

    [Fact]
    public void AMachineServesItsFirstQueueFirst()
    {
        var plan = Decide([Machine("lab1", cpu: 1, queues: ["a", "b"])], Session("of-b", queue: "b", minutesAgo: 600), Session("of-a", queue: "a"));
        Assert.Equal("lab1", plan.NodeOf("of-a"));
    }

    [Fact]
    public void AQueueTakesMachinesThatServeItFirstBeforeOthers()
    {
        var plan = Decide([Machine("lab1", queues: ["a", "b"]), Machine("lab2", queues: ["b", "a"])], Session("of-b", queue: "b"), Session("of-a", queue: "a"));
        Assert.Equal(("lab1", "lab2"), (plan.NodeOf("of-a"), plan.NodeOf("of-b")));
    }

    [Fact]
    public void ALaterQueueOfAMachineDoesNotStarve()
    {
        var plan = Decide([Machine("lab1", cpu: 1, queues: ["a", "b"])], Session("of-b", queue: "b", minutesAgo: 24 * 60 + 1), Session("of-a", queue: "a"));
        Assert.Equal("lab1", plan.NodeOf("of-b"));
    }

    [Theory]
    [InlineData(null, "a1 b1 c1 a2 c2")]
    [InlineData("a", "b1 c1 a1 c2 a2")]
    [InlineData("c", "a1 b1 c1 a2 c2")]
    public void AFairMachineTakesFromItsQueuesInTurn(string? last, string expected)
    {
        var lab = Machine("lab1", cpu: 5, queues: ["a", "b", "c"]) with { Fair = true, LastQueue = last };
        var plan = Decide(
            [lab],
            Session("a1", queue: "a", minutesAgo: 60), Session("a2", queue: "a", minutesAgo: 50), Session("a3", queue: "a", minutesAgo: 40),
            Session("b1", queue: "b", minutesAgo: 5), Session("c1", queue: "c", minutesAgo: 4), Session("c2", queue: "c", minutesAgo: 3));
        Assert.Equal(expected, string.Join(' ', plan.Placements.Select(p => p.SessionId)));
    }

    [Fact]
    public void SessionsWithoutGpusLeaveMachinesWithGpusAlone() =>
        Assert.Equal("plain", Decide([Machine("gpus", cpu: 4, gpus: 2), Machine("plain", cpu: 64)], Session("s")).NodeOf("s"));

    [Fact]
    public void LargeMachinesStayWhole()
    {
        Assert.Equal("small", Decide([Machine("large", gpus: 8), Machine("small", gpus: 2)], Session("s", gpus: 1)).NodeOf("s"));
        Assert.Equal("used", Decide([Machine("empty"), Machine("used").With("r", cpu: 8)], Session("s")).NodeOf("s"));
    }

    [Fact]
    public void GpusAreAssignedInTheOrderOfTheMachineWithoutThoseThatOthersUse()
    {
        var lab = Machine("lab1", gpus: 5).With("r", gpus: 1) with { GpusUsedOutside = new HashSet<string> { "lab1-gpu2" } };
        var plan = Decide([lab], Session("one", gpus: 1, minutesAgo: 2), Session("two", gpus: 2, minutesAgo: 1));
        Assert.Equal(["lab1-gpu1"], plan.Placements[0].GpuIds);
        Assert.Equal(["lab1-gpu3", "lab1-gpu4"], plan.Placements[1].GpuIds);
    }

    [Fact]
    public void WhereItIsNotKnownWhichGpusASessionHasNoneIsFree()
    {
        var lab = Machine("lab1", gpus: 2).With("r", gpus: 1);
        lab = lab with { Sessions = [lab.Sessions[0] with { GpuIds = [] }] };
        Assert.Empty(Decide([lab], Session("s", gpus: 1)).Placements);
    }

    [Fact]
    public void AUsersMachineServesThatUserAloneAndBeforeOthers()
    {
        var own = Machine("own", cpu: 64) with { Owner = "ada" };
        var plan = Decide([own, Machine("shared", cpu: 1)], Session("a", owner: "ada"), Session("b", owner: "ben"), Session("c", owner: "cora"));
        Assert.Equal(("own", "shared", null), (plan.NodeOf("a"), plan.NodeOf("b"), plan.NodeOf("c")));
        Assert.Equal("needs 1 core, 0 free on shared", plan.Sentence("c"));
    }

    [Fact]
    public void AMachineThatOffersLessThanRunsOnItTakesNothingOfThat()
    {
        var lab = Machine("lab1", cpu: 2, gpus: 1).With("r", cpu: 4);
        var plan = Decide([lab], Session("s"), Session("without-cpu", cpu: 0, gpus: 1));
        Assert.Equal((null, "lab1"), (plan.NodeOf("s"), plan.NodeOf("without-cpu")));
    }

    [Fact]
    public void PartsOfCoresAddUpExactly()
    {
        var plan = Decide([Machine("lab1", cpu: 0.3)], Session("a", cpu: 0.1), Session("b", cpu: 0.1), Session("c", cpu: 0.1));
        Assert.Equal(3, plan.Placements.Count);
    }

    [Fact]
    public void AMachineThatLiesAboutItsSizeBreaksNothing()
    {
        Node[] lab = [Machine("lab1", cpu: double.NaN) with { MemoryBytes = long.MinValue }, Machine("lab2", cpu: double.PositiveInfinity) with { MemoryBytes = long.MaxValue, DiskBytes = long.MaxValue }];
        var plan = Decide(lab, Session("s", memory: 1 << 20), Session("t", memory: 1 << 20));
        Assert.Equal(("lab2", "lab2"), (plan.NodeOf("s"), plan.NodeOf("t")));
    }
}
