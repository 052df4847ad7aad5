using Berth.Core.Providers;
using Berth.Core.Sessions;
using FsCheck;
using FsCheck.Fluent;

namespace Berth.Core.Tests.Sessions;

public sealed class DeadlineProperties
{
    [Fact]
    public void NoDeadlineActsBeforeItsTime() => Prop.ForAll(Any.History, history => Any.Play(history).All(step =>
    {
        if (Deadlines.Earliest(step.After) is not { } deadline)
            return true;
        var justBefore = deadline.At.AddTicks(-1);
        if (justBefore < step.Now)
            return true;
        var decided = Lifecycle.Decide(step.After, Sighting.Nothing, justBefore);
        return decided.Session.Status == step.After.Status && decided.Session.Wish == step.After.Wish;
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void EveryDeadlineActsAtItsTime() => Prop.ForAll(Any.History, history => Any.Play(history).All(step =>
    {
        if (Deadlines.Earliest(step.After) is not { } deadline)
            return true;
        var decided = Lifecycle.Decide(step.After, Sighting.Nothing, deadline.At);
        return decided.Session.Status != step.After.Status || decided.Session.Wish != step.After.Wish
            || (deadline.Kind == DeadlineKind.Retention && decided.Act == Act.StopAndDelete);
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void AResumedSessionHasAFreshAge()
    {
        var now = Any.Start.AddDays(2);
        var paused = Any.NewSession() with { Status = SessionStatus.Paused, Step = Step.Stopped, Wish = Wish.Pause, StatusSince = now };
        var resumed = Lifecycle.Resume(paused, now) with { Status = SessionStatus.Running };

        Assert.All(Deadlines.Of(resumed), deadline => Assert.True(deadline.At >= now + TimeSpan.FromHours(2), deadline.ToString()));
    }

    [Fact]
    public void TimeInTheQueueIsNotStartingTime()
    {
        var session = Lifecycle.Progress(Any.NewSession(), new StageReport(Stage.Queued, "waits for 2 gpus"), Any.Start);
        Assert.Null(Deadlines.Earliest(session));

        var nextWeek = Any.Start.AddDays(7);
        Assert.Equal(SessionStatus.Launching, Lifecycle.Decide(session, Sighting.Nothing, nextWeek).Session.Status);

        var placed = Lifecycle.Progress(session, new StageReport(Stage.Placing), nextWeek);
        Assert.Equal(nextWeek + TimeSpan.FromMinutes(10), Deadlines.Earliest(placed)!.At);
    }

    [Fact]
    public void ASessionThatGoesBackToTheQueueStopsItsStartingClock()
    {
        var queued = Lifecycle.Progress(
            Lifecycle.Progress(Any.NewSession(), new StageReport(Stage.Starting), Any.Start), new StageReport(Stage.Queued), Any.Start.AddMinutes(9));

        Assert.Null(Deadlines.Earliest(queued));
    }

    [Fact]
    public void TimeWithoutTheEngineIsNotStartingTime()
    {
        var session = Lifecycle.Decide(Any.NewSession(), Sighting.Nothing, Any.Start).Session;
        session = Lifecycle.Refused(session, Reason.EngineUnreachable, "connection refused", Any.Start);

        Assert.Equal(SessionStatus.Launching, Lifecycle.Decide(session, Sighting.Nothing, Any.Start.AddDays(3)).Session.Status);
    }

    [Fact]
    public void AnExtensionMovesIdlenessAndAgeAndNothingElse()
    {
        var running = Any.NewSession() with { Status = SessionStatus.Running };
        var until = Any.Start.AddDays(4);

        Assert.Equal(until, Deadlines.Earliest(Lifecycle.Extend(running, until))!.At);
    }

    [Theory]
    [InlineData(24 * 60, "24 h")]
    [InlineData(90, "90 min")]
    [InlineData(14 * 24 * 60, "14 days")]
    [InlineData(0.5, "30 s")]
    public void ASpanIsSaidInTheLargestUnitThatShowsIt(double minutes, string words) =>
        Assert.Equal(words, Deadline.Words(TimeSpan.FromMinutes(minutes)));
}
