using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Core.Tests.Sessions;

/// <summary>Sessions on machines that are away for a while, or for good.</summary>
public sealed class AwayTests
{
    private const string Words = "lab3 has not been heard of since 2026-03-01 12:00 UTC.";
    private static readonly DateTimeOffset Now = Any.Start.AddMinutes(1);
    private static readonly DateTimeOffset LostAt = Any.Start.AddMinutes(15);
    private static readonly AgentSighting Ready = new(Stage.Starting, null, Ready: true);

    [Fact]
    public void ASessionWhoseMachineIsAwayGoesOnAndSaysThatNothingIsKnownOfIt()
    {
        var decided = Lifecycle.Decide(Running(), Away(), Now);
        Assert.Equal((SessionStatus.Running, Reason.NodeAway, Act.None), (decided.Session.Status, decided.Session.Reason, decided.Act));
        Assert.Contains("lab3", decided.Session.Reason!.Value.Sentence(decided.Session.Detail));
    }

    [Fact]
    public void AMachineThatComesBackFindsItsSessionUntouched()
    {
        var away = Lifecycle.Decide(Running(), Away(), Now).Session;
        var back = Lifecycle.Decide(away, There(away), Now.AddMinutes(5));
        Assert.Equal((SessionStatus.Running, null, 1, Act.None), (back.Session.Status, back.Session.Reason, back.Session.Generation, back.Act));
    }

    [Fact]
    public void WhatIsAwayIsNotPausedForWantOfUseAndMayBeUsedAfterwards()
    {
        var away = Lifecycle.Decide(Running(), Away(LostAt.AddDays(1)), Now).Session;
        var later = Now.AddHours(5);
        var still = Lifecycle.Decide(Lifecycle.Decide(away, Away(LostAt.AddDays(1)), later).Session, Away(LostAt.AddDays(1)), later.AddHours(1));
        Assert.Equal((SessionStatus.Running, Act.None), (still.Session.Status, still.Act));
        var back = Lifecycle.Decide(still.Session, There(still.Session), later.AddHours(2)).Session;
        Assert.Equal((SessionStatus.Running, later.AddHours(2)), (back.Status, back.LastUsed));
    }

    [Fact]
    public void NoDeadlineIsToldOrWaitedForWhileItsMachineIsAway()
    {
        var running = Running();
        var near = Deadlines.Earliest(running)!.WarnAt;
        var warned = Lifecycle.Decide(running, There(running), near).Session;
        Assert.NotNull(warned.WarnedOf);

        var away = Lifecycle.Decide(warned, Away(near.AddDays(1)), near.AddMinutes(1)).Session;

        Assert.Empty(Deadlines.Of(away));
        Assert.Equal((null, null), (Deadlines.NextLook(away), away.WarnedOf));
        Assert.Equal(Deadlines.Final(running), Deadlines.Final(away)); // an extension still ends there
    }

    [Fact]
    public void AMaximumAgeThatPassedWhileItsMachineWasAwayIsWarnedOfFirst()
    {
        var tooOld = Deadlines.Final(Running())!.Value.AddHours(1);
        var away = Lifecycle.Decide(Running(), Away(tooOld.AddDays(1)), Now).Session;
        var back = Lifecycle.Decide(away, There(away), tooOld).Session;
        var deadline = Deadlines.Earliest(back)!;
        Assert.Equal((SessionStatus.Running, DeadlineKind.Age, tooOld + deadline.Warning), (back.Status, deadline.Kind, deadline.At));

        Assert.Equal(SessionStatus.Running, Lifecycle.Decide(back, There(back), deadline.At.AddTicks(-1)).Session.Status);
        var paused = Lifecycle.Decide(back, There(back), deadline.At).Session;
        Assert.Equal((SessionStatus.Pausing, Reason.MaximumAge), (paused.Status, paused.Reason));
    }

    [Fact]
    public void AfterTheGraceTimeItHasFailedAndNothingIsStoppedForItMayStillRun()
    {
        var lost = Lost();
        Assert.Equal((SessionStatus.Failed, Reason.NodeLost, Act.None), (lost.Session.Status, lost.Session.Reason, lost.Act));
        Assert.Contains("start --instead-of far", lost.Session.Reason!.Value.NextStep("far"));
    }

    [Fact]
    public void ALostSessionThatStillRunsWhenItsMachineComesBackGoesOn()
    {
        var back = Lifecycle.Decide(Lost().Session, There(Lost().Session), LostAt.AddHours(1));
        Assert.Equal((SessionStatus.Running, null, 1, Act.None), (back.Session.Status, back.Session.Reason, back.Session.Generation, back.Act));
    }

    [Fact]
    public void ALostSessionThatEndedMeanwhileSaysHow()
    {
        var exit = ForeignSighting.There(new Observation(Running().Key, ForeignState.Exited, "exited") { ExitCode = 255 });
        var ended = Lifecycle.Decide(Lost().Session, new Sighting(exit), LostAt.AddHours(1));
        Assert.Equal((SessionStatus.Failed, Reason.Killed, Act.Stop), (ended.Session.Status, ended.Session.Reason, ended.Act));
        var gone = Lifecycle.Decide(Lost().Session, new Sighting(ForeignSighting.NotThere), LostAt.AddHours(1));
        Assert.Equal((SessionStatus.Failed, Reason.Vanished, Act.Stop), (gone.Session.Status, gone.Session.Reason, gone.Act));
    }

    [Fact]
    public void ALostSessionIsNotResumedForItMayStillRun() => Assert.Throws<IllegalTransitionException>(() => Lifecycle.Resume(Lost().Session, LostAt));

    [Fact]
    public void ALostSessionThatIsGivenUpIsOverAndKeepsItsWork()
    {
        var givenUp = Lifecycle.GivenUp(Lost().Session, LostAt);
        Assert.Equal((SessionStatus.Ended, Step.Stopped, true), (givenUp.Status, givenUp.Step, givenUp.HasWorkspace));
        Assert.Equal(Act.None, Lifecycle.Decide(givenUp, Away(), LostAt).Act);
        Assert.Throws<IllegalTransitionException>(() => Lifecycle.GivenUp(Running(), Now));
    }

    [Fact]
    public void ALostSessionThatWasPausedAndResumedMeanwhileIsAnotherStartAndTheOldOneIsNotTakenForIt()
    {
        var paused = Lifecycle.Decide(Lifecycle.Pause(Lost().Session, LostAt), Away(), LostAt).Session;
        Assert.Equal(SessionStatus.Paused, paused.Status);
        var resumed = Lifecycle.Resume(paused, LostAt);
        var decided = Lifecycle.Decide(resumed, new Sighting(ForeignSighting.NotThere), LostAt.AddMinutes(1));
        Assert.Equal((SessionStatus.Launching, 2, Act.Start), (decided.Session.Status, decided.Session.Generation, decided.Act));
    }

    [Fact]
    public void WhoStopsALostSessionNeedNotWaitForItsMachineToStartAnew()
    {
        var stopping = Lifecycle.Decide(Lifecycle.Stop(Lost().Session, deleteWork: false, LostAt), Away(), LostAt).Session;
        Assert.Equal((SessionStatus.Ended, Step.Stopped, true), (stopping.Status, stopping.Step, stopping.HasWorkspace));
    }

    [Fact]
    public void ASessionThatIsStoppedWhileItsMachineIsAwayWaitsForItAsLongAsItMayComeBack() => Assert.Equal(
        (SessionStatus.Stopping, Act.Stop), Of(Lifecycle.Decide(Lifecycle.Stop(Running(), deleteWork: false, Now), Away(), Now)));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AStartThatWasOnItsWayFailsWithItsMachineAfterTheGraceTimeAndGoesOnIfItIsSeenAgain(bool accepted)
    {
        var begun = Lifecycle.Decide(Any.NewSession(), Sighting.Nothing, Any.Start).Session;
        var starting = accepted ? Lifecycle.Accepted(begun) : Lifecycle.Refused(begun, Reason.NodeAway, Words, Now);
        var away = Lifecycle.Decide(starting, Starting(Away()), Now).Session;
        Assert.Equal((SessionStatus.Launching, Reason.NodeAway, null), (away.Status, away.Reason, Deadlines.Earliest(away)));

        var lost = Lifecycle.Decide(away, Starting(Away()), LostAt);
        Assert.Equal((SessionStatus.Failed, Reason.NodeLost, Act.None), (lost.Session.Status, lost.Session.Reason, lost.Act));
        Assert.Contains("start --instead-of far", lost.Session.Reason!.Value.NextStep("far"));

        var back = Lifecycle.Decide(lost.Session, Starting(There(lost.Session)), LostAt.AddHours(1));
        Assert.Equal((SessionStatus.Launching, null, Step.Started, Act.None), (back.Session.Status, back.Session.Reason, back.Session.Step, back.Act));
        Assert.NotNull(Deadlines.Earliest(back.Session)); // its start has its time again
        Assert.Equal(SessionStatus.Running, Lifecycle.Decide(back.Session, There(back.Session), LostAt.AddHours(1).AddMinutes(1)).Session.Status);

        var gone = Lifecycle.Decide(lost.Session, new Sighting(ForeignSighting.NotThere), LostAt.AddHours(1)).Session;
        Assert.Equal((SessionStatus.Failed, Reason.Vanished), (gone.Status, gone.Reason));
    }

    [Fact]
    public void ASessionThatIsPausedOnAMachineThatIsLostIsPausedWithItsWorkThere()
    {
        var pausing = Lifecycle.Pause(Running(), Now);
        Assert.Equal((SessionStatus.Pausing, Act.Stop), Of(Lifecycle.Decide(pausing, Away(), Now)));
        var paused = Lifecycle.Decide(pausing, Away(), LostAt).Session;
        Assert.Equal((SessionStatus.Paused, Step.Stopped, true), (paused.Status, paused.Step, paused.HasWorkspace));
    }

    [Fact]
    public void AStartThatAMachineDidNotTakeIsBackInLineThoughTheMachineIsLostBeforeItForgotIt()
    {
        var line = Any.NewSession() with { Line = new LinePlace("day", 0) };
        var placed = Lifecycle.Decide(Lifecycle.Placed(Lifecycle.Line(line), Any.Start), Sighting.Nothing, Any.Start).Session;
        var withdrawn = Lifecycle.TurnedAway(placed, "node:a", Reason.NoCapacity, "too small", nothingBegun: false, Now);
        Assert.NotEqual(Act.None, Lifecycle.Decide(withdrawn, Away(), Now).Act);
        var back = Lifecycle.Decide(withdrawn, Away(), LostAt);
        Assert.Equal((SessionStatus.Launching, Step.Waiting, 2, Act.None), (back.Session.Status, back.Session.Step, back.Session.Generation, back.Act));
    }

    [Fact]
    public void AMachineThatIsRemovedTakesItsSessionsAlong()
    {
        foreach (var session in new[] { Running(), Lost().Session, Lifecycle.Stop(Running(), false, Now), Lifecycle.Pause(Running(), Now) })
        {
            var gone = Lifecycle.Abandoned(session, "lab3, by ada.", Now);
            Assert.Equal((SessionStatus.Ended, Reason.NodeRemoved, false, Step.Stopped), (gone.Status, gone.Reason, gone.HasWorkspace, gone.Step));
        }
    }

    private static (SessionStatus, Act) Of(Decision decision) => (decision.Session.Status, decision.Act);

    private static Decision Lost() => Lifecycle.Decide(Lifecycle.Decide(Running(), Away(), Now).Session, Away(), LostAt);

    private static Sighting Away(DateTimeOffset? lostAt = null) => new(ForeignSighting.OnAwayMachine(new Absence(Words, lostAt ?? LostAt)), Ready);

    /// <summary>Its agent has said nothing yet.</summary>
    private static Sighting Starting(Sighting sighting) => sighting with { Agent = null };

    private static Sighting There(Session session) => new(ForeignSighting.There(new Observation(session.Key, ForeignState.Running, "running")), Ready);

    private static Session Running()
    {
        var started = Lifecycle.Accepted(Lifecycle.Decide(Any.NewSession(), Sighting.Nothing, Any.Start).Session);
        return Lifecycle.Decide(started, There(started), Any.Start).Session;
    }
}
