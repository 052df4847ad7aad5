using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Core.Tests.Sessions;

public sealed class LifecycleTests
{
    private static readonly DateTimeOffset Now = Any.Start.AddMinutes(1);

    [Fact]
    public void AContainerKilledByHandIsAFailureThatSaysSo() =>
        Assert.Equal(Reason.Killed, Failed(Running(), Exit(137), new AgentSighting(Stage.Starting, null, Ready: true)).Reason);

    [Fact]
    public void AnEngineThatWasDownWhileItsContainerEndedIsAFailureThatSaysSo()
    {
        var failed = Failed(Running(), Exit(255), null);
        Assert.Equal(Reason.Killed, failed.Reason);
        Assert.Contains("its engine or its machine was restarted", failed.Reason!.Value.Sentence(failed.Detail));
    }

    [Fact]
    public void AContainerThatIsGoneIsAFailureThatSaysSo() =>
        Assert.Equal(Reason.Vanished, Failed(Running(), ForeignSighting.NotThere, null).Reason);

    [Fact]
    public void ACommandThatEndsAtOnceIsAFailureEvenWithExitCodeZero()
    {
        var failed = Failed(Started(), Exit(0), new AgentSighting(Stage.Starting, null, Ready: false, ExitCode: 0));
        Assert.Equal(Reason.ExitedEarly, failed.Reason);
        Assert.Contains("exit code 0", failed.Reason!.Value.Sentence(failed.Detail));
    }

    [Fact]
    public void MemoryThatRanOutIsSaidBeforeTheSignalThatItCaused() =>
        Assert.Equal(Reason.OutOfMemory, Failed(Running(), Exit(137, oom: true), new AgentSighting(Stage.Starting, null, true, ExitCode: 137)).Reason);

    [Fact]
    public void AFrontEndThatFinishesEndsTheSession()
    {
        var decided = Lifecycle.Decide(Running(), new Sighting(Exit(0), new AgentSighting(Stage.Starting, null, true, ExitCode: 0)), Now);
        Assert.Equal((SessionStatus.Stopping, Act.Stop), (decided.Session.Status, decided.Act));
        Assert.Equal(Reason.FrontEndFinished, decided.Session.Reason);
    }

    [Fact]
    public void TheContainerOfAFailedSessionIsGivenBack() =>
        Assert.Equal(Act.Stop, Lifecycle.Decide(Running(), new Sighting(Exit(1)), Now).Act);

    [Fact]
    public void NothingThatListensIsSaidWithWhatTheAgentSaw()
    {
        var session = Lifecycle.Progress(Started(), new StageReport(Stage.Starting, "no answer on port 8888; something listens on 8889"), Now);
        var failed = Lifecycle.Decide(session, Sighting.Nothing, Now.AddHours(1)).Session;
        Assert.Equal(Reason.NothingListens, failed.Reason);
        Assert.Contains("8889", failed.Detail);
    }

    [Fact]
    public void AStartingSessionCanBePausedAndStopped()
    {
        Assert.Equal(Act.Stop, Lifecycle.Decide(Lifecycle.Pause(Started(), Now), Sighting.Nothing, Now).Act);
        Assert.Equal(Act.Stop, Lifecycle.Decide(Lifecycle.Stop(Started(), false, Now), Sighting.Nothing, Now).Act);
    }

    [Fact]
    public void AStopThatAsksForDeletionLaterStillDeletes()
    {
        var ended = Lifecycle.Released(Lifecycle.Stop(Running(), false, Now), workspaceDeleted: false, Now);
        Assert.Equal(Act.None, Lifecycle.Decide(ended, Sighting.Nothing, Now).Act);
        Assert.Equal(Act.StopAndDelete, Lifecycle.Decide(Lifecycle.Stop(ended, true, Now), Sighting.Nothing, Now).Act);
    }

    [Fact]
    public void AStartThatNobodyHeardOfIsRepeated() =>
        Assert.Equal(Act.Start, Lifecycle.Decide(Intended(), new Sighting(ForeignSighting.NotThere), Now).Act);

    [Fact]
    public void AStartThatWasCutShortBetweenMakingAndStartingIsRepeated() => Assert.Equal(
        Act.Start, Lifecycle.Decide(Intended(), new Sighting(Seen(ForeignState.Created)), Now).Act);

    [Fact]
    public void AStartThatIsAcceptedTooLateLeavesTheReasonOfTheFailure()
    {
        var failed = Lifecycle.Decide(Intended(), Sighting.Nothing, Now.AddHours(1)).Session;
        Assert.Equal(Reason.StartTimeout, Lifecycle.Accepted(failed).Reason);

        var refused = Lifecycle.Refused(Intended(), Reason.ImageNotFound, "no such image", Now);
        Assert.Equal(Reason.ImageNotFound, Lifecycle.Accepted(refused).Reason);
    }

    [Fact]
    public void AnEndedSessionCannotBeResumed() => Assert.Throws<IllegalTransitionException>(
        () => Lifecycle.Resume(Running() with { Status = SessionStatus.Ended }, Now));

    [Fact]
    public void EveryReasonHasARuleAndASentence() => Assert.All(
        Enum.GetValues<Reason>(), reason => Assert.False(string.IsNullOrWhiteSpace(reason.Sentence("it")), reason.ToString()));

    private static Session Intended() => Lifecycle.Decide(Any.NewSession(), Sighting.Nothing, Any.Start).Session;

    private static Session Started() => Lifecycle.Accepted(Intended());

    private static Session Running() => Lifecycle.Decide(
        Started(), new Sighting(Seen(ForeignState.Running), new AgentSighting(Stage.Starting, null, Ready: true)), Any.Start).Session;

    private static Session Failed(Session session, ForeignSighting foreign, AgentSighting? agent)
    {
        var next = Lifecycle.Decide(session, new Sighting(foreign, agent), Now).Session;
        Assert.Equal(SessionStatus.Failed, next.Status);
        return next;
    }

    private static ForeignSighting Exit(int code, bool oom = false) =>
        ForeignSighting.There(new Observation(Any.NewSession().Key, ForeignState.Exited, "exited") { ExitCode = code, OutOfMemory = oom });

    private static ForeignSighting Seen(ForeignState state) => ForeignSighting.There(new Observation(Any.NewSession().Key, state, "words"));
}
