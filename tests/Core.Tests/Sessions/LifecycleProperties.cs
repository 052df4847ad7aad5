using Berth.Core.Providers;
using Berth.Core.Sessions;
using FsCheck;
using FsCheck.Fluent;

namespace Berth.Core.Tests.Sessions;

public sealed class LifecycleProperties
{
    [Fact]
    public void NoHistoryLeadsThroughAnIllegalTransition() => Holds(step =>
        step.Before.Status == step.After.Status || step.After.Status == SessionStatus.Failed
        || Lifecycle.Legal(step.Before.Status, step.After.Status)
        // A decision may take two legal steps at once: a deadline passes and the container is found gone.
        || Enum.GetValues<SessionStatus>().Any(between => Lifecycle.Legal(step.Before.Status, between) && Lifecycle.Legal(between, step.After.Status)));

    [Fact]
    public void EveryReachableStateCanEnd() => Holds(step => End(step.After, step.Now).Status == SessionStatus.Ended);

    [Fact]
    public void EveryReachableStateThatCanBeResumedComesToRun() => Holds(step =>
    {
        if (step.After.Status is not (SessionStatus.Paused or SessionStatus.Failed) || Lifecycle.IsLost(step.After))
            return true;
        var session = Lifecycle.Resume(step.After, step.Now);
        if (session.Line is not null)
            session = Lifecycle.Placed(session, step.Now);
        session = Lifecycle.Decide(session, Sighting.Nothing, step.Now).Session;
        session = Lifecycle.Accepted(session);
        session = Lifecycle.Decide(session, Ready(session), step.Now).Session;
        return session.Status == SessionStatus.Running && session.Generation == step.After.Generation + 1;
    });

    [Fact]
    public void DecidingTwiceOnTheSameSightingDecidesTheSame() => Holds(step =>
    {
        foreach (var foreign in Any.Foreign)
        {
            var sighting = new Sighting(foreign);
            var once = Lifecycle.Decide(step.After, sighting, step.Now);
            var twice = Lifecycle.Decide(once.Session, sighting, step.Now);
            var thrice = Lifecycle.Decide(twice.Session, sighting, step.Now);
            if (twice.Session != thrice.Session || twice.Act != thrice.Act)
                return false;
        }

        return true;
    });

    [Fact]
    public void WhatIsNotKnownChangesNothingBeforeADeadline() => Holds(step =>
    {
        if (Deadlines.Earliest(step.After) is { } deadline && deadline.At <= step.Now)
            return true;
        return Lifecycle.Decide(step.After, Sighting.Nothing, step.Now).Session.Status == step.After.Status;
    });

    [Fact]
    public void AnUnknownForeignStateIsNeverAFailure() => Holds(step =>
    {
        if (Deadlines.Earliest(step.After) is { } deadline && deadline.At <= step.Now)
            return true;
        var unknown = ForeignSighting.There(new Observation(step.After.Key, ForeignState.Unknown, "COMPLETING"));
        return Lifecycle.Decide(step.After, new Sighting(unknown), step.Now).Session.Status == step.After.Status;
    });

    [Fact]
    public void AFailedSessionAlwaysHasAReasonWithWordsAndANextStep() => Holds(step =>
        step.After.Status != SessionStatus.Failed
        || (step.After.Reason is { } reason && reason.Sentence(step.After.Detail).Length > 10 && reason.NextStep("x") is not null));

    [Fact]
    public void TheIntentIsInTheStateThatIsSavedBeforeTheAct() => Holds(step => Any.Foreign.All(foreign =>
    {
        var decision = Lifecycle.Decide(step.After, new Sighting(foreign), step.Now);
        return decision.Act switch
        {
            Act.Start => decision.Session.Step == Step.StartIntended,
            Act.Stop or Act.StopAndDelete => decision.Session.Step == Step.StopIntended,
            _ => true,
        };
    }));

    [Fact]
    public void OnlyAnExplicitWishOrTheRetentionDeletesTheWorkspace() => Holds(step => Any.Foreign.All(foreign =>
        Lifecycle.Decide(step.After, new Sighting(foreign), step.Now).Act != Act.StopAndDelete
        || step.After.Wish == Wish.StopAndDelete
        // A start that its machine did not take, of a session that never had one before: nobody has worked there.
        || step.After is { Status: SessionStatus.Launching, Step: Step.StopIntended, Line.Tied: false }
        || (step.After.Status == SessionStatus.Ended && Deadlines.Earliest(step.After) is { Kind: DeadlineKind.Retention } d && d.At <= step.Now)));

    [Fact]
    public void WhoWaitsInLineHasNoDeadlineAndNothingIsDoneForItWhateverIsSeen() => Holds(step =>
        step.After.Step != Step.Waiting
        || (step.After is { Status: SessionStatus.Launching, Stage: Stage.Queued, StartingSince: null, Line: not null }
            && Deadlines.Earliest(step.After) is null
            && Any.Foreign.All(foreign => Any.Agent.All(agent => Lifecycle.Decide(step.After, new Sighting(foreign, agent), step.Now.AddDays(400)) is { Act: Act.None } decision
                && decision.Session == step.After))));

    [Fact]
    public void WhoComesBackInLineHasItsOldPlaceAndIsAnotherStart() => Holds(step =>
        step.After.Step != Step.Waiting || step.Before.Step == Step.Waiting || step.Before.Status != SessionStatus.Launching
        || (step.After.GenerationSince == step.Before.GenerationSince && step.After.Generation == step.Before.Generation + 1 && step.After.Line!.Refusals.Count > 0));

    [Fact]
    public void WhoLeavesTheLineLeavesNothingToStop() => Holds(step =>
        step.After.Step != Step.Waiting || Ended(Lifecycle.Stop(step.After, deleteWork: true, step.Now)) && Lifecycle.Pause(step.After, step.Now).Status == SessionStatus.Paused);

    [Fact]
    public void AnEndedSessionStaysEnded() => Holds(step =>
        step.Before.Status != SessionStatus.Ended || step.After.Status == SessionStatus.Ended);

    private static void Holds(Func<(Session Before, Session After, DateTimeOffset Now, Any.Happening Happening), bool> property) =>
        Prop.ForAll(Any.History, history => Any.Play(history).All(property) && Any.Play(history, inLine: true).All(property))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(60));

    private static bool Ended(Session session) => session is { Status: SessionStatus.Ended, Step: Step.Stopped };

    private static Session End(Session session, DateTimeOffset now)
    {
        session = Lifecycle.Decide(Lifecycle.Stop(session, deleteWork: false, now), Sighting.Nothing, now).Session;
        return session.Status == SessionStatus.Ended ? session : Lifecycle.Released(session, workspaceDeleted: false, now);
    }

    private static Sighting Ready(Session session) => new(
        ForeignSighting.There(new Observation(session.Key, ForeignState.Running, "running")),
        new AgentSighting(Stage.Starting, null, Ready: true));
}
