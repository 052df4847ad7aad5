using Berth.Core.Queues;
using static Berth.Core.Tests.Queues.Lab;

namespace Berth.Core.Tests.Queues;

/// <summary>A machine is kept for a session that would otherwise be overtaken for ever.</summary>
public sealed class HoldTests
{
    private static Node FourGpus => Machine("lab1", gpus: 4).With("r", gpus: 3, endsInHours: 5);

    [Fact]
    public void ASmallerSessionDoesNotDelayABiggerOneThatHasWaited()
    {
        var plan = Decide([FourGpus], Session("big", gpus: 4, minutesAgo: 31), Session("small", gpus: 1));
        Assert.Empty(plan.Placements);
        Assert.Equal("needs 4 gpus, 1 free on lab1; next frees at 17:00 UTC", plan.Sentence("big"));
        Assert.Equal("room on lab1 is kept for a session that has waited longer and starts by 17:00 UTC", plan.Sentence("small"));
        Assert.Equal((1, 2), (plan.WaitOf("big").Position, plan.WaitOf("small").Position));
        Assert.Equal(new Estimate(Now.AddHours(5), EstimateBasis.KnownEnds), plan.WaitOf("big").Estimate);
    }

    [Fact]
    public void ForTheFirstHalfHourItMayBeOvertaken() =>
        Assert.Equal("lab1", Decide([FourGpus], Session("big", gpus: 4, minutesAgo: 29), Session("small", gpus: 1)).NodeOf("small"));

    [Fact]
    public void WhoEndsBeforeMayOvertake()
    {
        var fits = Session("fits", gpus: 1) with { Longest = TimeSpan.FromHours(5) };
        var late = Session("late", gpus: 1) with { Longest = TimeSpan.FromHours(5.1) };
        Assert.Equal("lab1", Decide([FourGpus], Session("big", gpus: 4, minutesAgo: 31), fits).NodeOf("fits"));
        Assert.Null(Decide([FourGpus], Session("big", gpus: 4, minutesAgo: 31), late).NodeOf("late"));
    }

    [Fact]
    public void WhoFitsBesideMayOvertakeButTheSecondOnlyIfBothDo()
    {
        var lab = Machine("lab1", gpus: 4).With("r", gpus: 2);
        var plan = Decide([lab], Session("big", gpus: 3, minutesAgo: 31), Session("first", gpus: 1, minutesAgo: 2), Session("second", gpus: 1, minutesAgo: 1));
        Assert.Equal(("lab1", null), (plan.NodeOf("first"), plan.NodeOf("second")));
        Assert.Null(plan.WaitOf("big").Estimate); // nobody knows when r ends
    }

    [Fact]
    public void TheMachineThatIsKnownToBeReadyFirstIsKept()
    {
        var plan = Decide(
            [Machine("unknown", gpus: 2).With("a", gpus: 1, startedHoursAgo: 1000), Machine("late", gpus: 2).With("b", gpus: 1, endsInHours: 3), Machine("soon", gpus: 2).With("c", gpus: 1, endsInHours: 2)],
            Session("big", gpus: 2, minutesAgo: 31), Session("s1", gpus: 1, minutesAgo: 3), Session("s2", gpus: 1, minutesAgo: 2), Session("s3", gpus: 1, minutesAgo: 1));
        Assert.Equal(["late", "unknown"], plan.Placements.Select(p => p.NodeId).Order());
        Assert.Equal("soon", Assert.IsType<KeptForAnother>(plan.WaitOf("s3").Reason).Node);
    }

    [Fact]
    public void RoomThatIsNotNeededAnyMoreIsGivenOutInTheSameRound()
    {
        // The big session finds room on a machine that serves its queue second; what was kept on the first is free again.
        var first = Machine("first", gpus: 2).With("r", gpus: 1);
        var second = Machine("second", gpus: 2, queues: ["other", "lab"]);
        var plan = Decide([first, second], Session("big", gpus: 2, minutesAgo: 60), Session("small", gpus: 1, minutesAgo: 1));
        Assert.Equal(("second", "first"), (plan.NodeOf("big"), plan.NodeOf("small")));
    }

    [Fact]
    public void AnotherQueueOfTheMachineDoesNotDelayItEither() =>
        Assert.Empty(Decide(
            [FourGpus with { Queues = ["lab", "other"] }], Session("big", gpus: 4, minutesAgo: 31), Session("small", gpus: 1, queue: "other", minutesAgo: 300)).Placements);

    [Fact]
    public void WhoCannotStartAsThingsAreKeepsNothing()
    {
        var away = Machine("lab2", gpus: 8) with { Draining = true };
        var plan = Decide([FourGpus, away], Session("never", gpus: 9, minutesAgo: 90), Session("not-now", gpus: 8, minutesAgo: 80), Session("small", gpus: 1));
        Assert.Equal("lab1", plan.NodeOf("small"));
    }

    [Fact]
    public void OneBehindItIsNotAskedBeforeItAboutAnotherMachine()
    {
        // The big session fits only a machine to which its queue is the second; the small one waits for one to which it is the first.
        Node[] lab = [Machine("first", gpus: 1).With("a", gpus: 1), Machine("second", gpus: 2, queues: ["other", "lab"]).With("b", gpus: 1)];
        var plan = Decide(lab, Session("big", gpus: 2, minutesAgo: 60), Session("small", gpus: 1, minutesAgo: 40));
        Assert.Empty(plan.Placements);
        Assert.Equal("second", Assert.IsType<KeptForAnother>(plan.WaitOf("small").Reason).Node);
    }
}
