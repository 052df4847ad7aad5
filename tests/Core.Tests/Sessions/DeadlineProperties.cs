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
        var warned = Lifecycle.Decide(step.After, Sighting.Nothing, Latest(step.Now, deadline.WarnAt)).Session;
        if (warned.Status != step.After.Status || warned.Wish != step.After.Wish)
            return true; // It had been warned of before, and had passed.
        var decided = Lifecycle.Decide(warned, Sighting.Nothing, Deadlines.Earliest(warned)!.At);
        return decided.Session.Status != step.After.Status || decided.Session.Wish != step.After.Wish
            || (deadline.Kind == DeadlineKind.Retention && decided.Act == Act.StopAndDelete);
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void NobodyIsMetByADeadlineUnwarned() => Prop.ForAll(Any.History, history => Any.Play(history).All(step =>
    {
        if (Deadlines.Earliest(step.After) is not { Warning: var warning } deadline || warning == TimeSpan.Zero || step.After.WarnedOf == deadline.At)
            return true;
        // The machine slept, or nobody looked: the deadline is long past when it is seen.
        var late = Latest(step.Now, deadline.At.AddDays(1));
        var decided = Lifecycle.Decide(step.After, Sighting.Nothing, late).Session;
        return decided.Status == step.After.Status && decided.WarnedOf == late + warning && Deadlines.Earliest(decided)!.At == late + warning;
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void AWarningIsGivenInTimeAndTakenBackWhenItsDeadlineMoves() => Prop.ForAll(Any.History, history => Any.Play(history).All(step =>
    {
        var at = step.Now.AddMinutes(1);
        var decided = Lifecycle.Decide(step.After, Sighting.Nothing, at).Session;
        var earliest = Deadlines.Earliest(decided);
        return decided.WarnedOf == (earliest is { } && earliest.Warning > TimeSpan.Zero && earliest.WarnAt <= at ? earliest.At : null);
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void AWarningTakesAtMostHalfOfTheTimeThatThereIs()
    {
        var limits = Any.Limits with { Idle = TimeSpan.FromMinutes(10), Warning = TimeSpan.FromHours(1) };
        var running = Any.NewSession() with { Status = SessionStatus.Running, Limits = limits };

        Assert.Equal(TimeSpan.FromMinutes(5), Deadlines.Earliest(running)!.Warning);
    }

    [Fact]
    public void APoolMayWantNoWarning()
    {
        var running = Any.NewSession() with { Status = SessionStatus.Running, Limits = Any.Limits with { Warning = TimeSpan.Zero } };

        Assert.Equal(SessionStatus.Pausing, Lifecycle.Decide(running, Sighting.Nothing, Any.Start.AddDays(1)).Session.Status);
    }

    [Fact]
    public void AWarningGivenBeforeTheServerWasAwayIsGivenAgain()
    {
        var running = Any.NewSession() with { Status = SessionStatus.Running };
        var deadline = Deadlines.Earliest(running)!;
        var warned = Lifecycle.Decide(running, Sighting.Nothing, deadline.WarnAt).Session;
        var back = deadline.At.AddHours(1);

        var decided = Lifecycle.Decide(Lifecycle.LookedAfterAgain(warned, back), Sighting.Nothing, back).Session;

        Assert.Equal((SessionStatus.Running, back + deadline.Warning), (decided.Status, decided.WarnedOf!.Value));
    }

    [Fact]
    public void WhatIsInUseIsNotIdleUntilItIsSaidToBe()
    {
        var running = Any.NewSession() with { Status = SessionStatus.Running };
        var later = Any.Start.AddMinutes(5);

        var used = Lifecycle.Seen(running, UsesOf.Agent, Uses.Kernel | Uses.Terminal, later);
        used = Lifecycle.Seen(used, Uses.Input, Uses.Input, later);
        Assert.Equal((Uses.Kernel | Uses.Terminal | Uses.Input, later), (used.InUse, used.LastUsed));

        var idle = Lifecycle.Seen(used, UsesOf.Agent, Uses.None, later.AddMinutes(1));
        Assert.Equal((Uses.Input, later), (idle.InUse, idle.LastUsed));
    }

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
    public void WhatIsKeptIsKeptLongerWhenItsOwnerSaysSo()
    {
        var paused = Any.NewSession() with { Status = SessionStatus.Paused, Step = Step.Stopped, Wish = Wish.Pause };
        var until = Any.Start.AddDays(20);

        Assert.Equal(until, Deadlines.Earliest(Lifecycle.Extend(paused, until))!.At);
        Assert.Null(Lifecycle.Resume(Lifecycle.Extend(paused, until), Any.Start).ExtendedUntil);
    }

    [Fact]
    public void AnExtensionMovesIdlenessAndNotTheMaximumAge()
    {
        var running = Any.NewSession() with { Status = SessionStatus.Running };

        var extended = Lifecycle.Extend(running, Any.Start.AddHours(4));
        Assert.Equal((DeadlineKind.Idle, Any.Start.AddHours(4)), (Deadlines.Earliest(extended)!.Kind, Deadlines.Earliest(extended)!.At));
        Assert.Equal("it was extended until then", Deadlines.Earliest(extended)!.Because);
        Assert.NotEqual("it was extended until then", Deadlines.Earliest(running)!.Because);

        extended = Lifecycle.Extend(running, Any.Start.AddDays(4));
        Assert.Equal((DeadlineKind.Age, Any.Start.AddHours(8)), (Deadlines.Earliest(extended)!.Kind, Deadlines.Earliest(extended)!.At));
        Assert.Equal(Any.Start.AddHours(8), Deadlines.Final(extended));
    }

    [Fact]
    public void NoExtensionMakesASessionOlderThanItsMaximumAgeAndItsWarning() => Prop.ForAll(Any.History, history => Any.Play(history).All(step =>
    {
        if (step.After.Status != SessionStatus.Running)
            return true;
        var born = step.After.StartingSince ?? step.After.GenerationSince;
        var latest = Latest(born + Any.Limits.Age!.Value, step.After.WarnedOf ?? default);
        return Deadlines.Earliest(Lifecycle.Extend(step.After, step.Now.AddDays(7))) is not { } deadline || deadline.At <= latest;
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    private static DateTimeOffset Latest(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    [Theory]
    [InlineData(24 * 60, "24 h")]
    [InlineData(90, "90 min")]
    [InlineData(14 * 24 * 60, "14 days")]
    [InlineData(0.5, "30 s")]
    public void ASpanIsSaidInTheLargestUnitThatShowsIt(double minutes, string words) =>
        Assert.Equal(words, Deadline.Words(TimeSpan.FromMinutes(minutes)));
}
