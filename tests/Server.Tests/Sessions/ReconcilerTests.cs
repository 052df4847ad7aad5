using Berth.Contracts.Agents;
using Berth.Contracts.Sessions;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;

namespace Berth.Server.Tests.Sessions;

public sealed class ReconcilerTests : IAsyncLifetime
{
    private SessionServer _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await SessionServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task ASessionGoesFromAskedForToRunningToPausedToRunningToEnded()
    {
        var (session, agent) = await _server.RunningAsync();
        await using (agent)
            await _server.Client.PauseSessionAsync(session.Id, Ct);
        await _server.UntilAsync(session.Id, "paused");
        Assert.Empty(_server.Compute.Keys);
        Assert.Single(_server.Compute.Workspaces);

        var resumed = await _server.Client.ResumeSessionAsync(session.Id, new ResumeRequest(), Ct);
        Assert.Equal(2, resumed.Berth.Generation);
        await Eventually.TrueAsync(() => _server.Compute.Keys.Contains(new SessionKey(session.Id, 2)), "the second start is there");
        await using var second = await _server.ReadyAgentAsync(resumed);
        await _server.UntilAsync(session.Id, "running");

        await _server.Client.StopSessionAsync(session.Id, deleteWork: true, Ct);
        await _server.UntilAsync(session.Id, "ended");
        Assert.Empty(_server.Compute.Keys);
        Assert.Empty(_server.Compute.Workspaces);
    }

    [Fact]
    public async Task AContainerThatIsLostShowsAsFailedWithItsReasonAndCanBeStartedAgain()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        _server.Compute.Lose(new SessionKey(session.Id, 1));

        var failed = await _server.UntilAsync(session.Id, "failed");
        Assert.Equal("vanished", failed.Berth.Reason);
        Assert.Contains("berth session resume", failed.Berth.NextStep);

        await _server.Client.ResumeSessionAsync(session.Id, new ResumeRequest(), Ct);
        await Eventually.TrueAsync(() => _server.Compute.Keys.Contains(new SessionKey(session.Id, 2)), "it starts again");
    }

    [Fact]
    public async Task AnEngineThatIsAwayIsWaitedForAndNeverAFailure()
    {
        _server.Compute.Away = new ProviderException(Reason.EngineUnreachable, "no engine answers at /run/x.sock");
        var (session, _) = await _server.StartSessionAsync();
        await Eventually.TrueAsync(
            async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Reason == "engine_unreachable", "the reason is shown");
        Assert.Equal("launching", (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Status);

        _server.Compute.Away = null;
        await Eventually.TrueAsync(() => _server.Compute.Keys.Count == 1, "the start is repeated by itself", TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task AnEngineThatGoesAwayUnderARunningSessionChangesNothing()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        _server.Compute.Away = new ProviderException(Reason.EngineUnreachable, "gone");
        _server.Compute.Show(new SessionKey(session.Id, 1), o => o); // says "something changed"; asking then fails

        var before = _server.Compute.Observations;
        await Eventually.TrueAsync(() => _server.Compute.Observations > before, "it was asked");
        Assert.Equal("running", (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Status);
    }

    [Fact]
    public async Task WhatNobodyWantsIsRemoved()
    {
        _server.Compute.Plant(new SessionKey("01HXXXXXXXXXXXXXXXXXXXXXXX", 1));
        await Eventually.TrueAsync(() => _server.Compute.Keys.Count == 0, "the orphan is gone");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatAnEngineMakesForABrokenOffStartAfterTheSessionIsOverGoesAndItsWorkspaceWhereTheWorkWasDeleted(bool deleteWork)
    {
        var begun = new TaskCompletionSource<StartOrder>();
        _server.Compute.OnStart = (order, _, ct) =>
        {
            begun.TrySetResult(order);
            return Task.Delay(Timeout.Infinite, ct);
        };
        var (session, _) = await _server.StartSessionAsync();
        var order = await begun.Task.WaitAsync(Ct);
        await _server.Client.StopSessionAsync(session.Id, deleteWork, Ct);
        await _server.UntilAsync(session.Id, "ended");

        // The engine goes on with a call whose caller has gone: the container comes, and the volume that it names with it.
        _server.Compute.Workspaces[order.WorkspaceName] = 0;
        _server.Compute.Plant(order.Key);
        await Eventually.TrueAsync(() => _server.Compute.Keys.Count == 0 && (!deleteWork || _server.Compute.Workspaces.IsEmpty), "it is removed");
        Assert.Equal(deleteWork ? [] : [order.WorkspaceName], _server.Compute.Workspaces.Keys);
    }

    [Fact]
    public async Task ARefusedStartIsAFailureInTheProvidersWords()
    {
        _server.Compute.Refusal = new ProviderException(Reason.ImageNotFound, "there is no image nope:latest.");
        var (session, _) = await _server.StartSessionAsync();

        var failed = await _server.UntilAsync(session.Id, "failed");
        Assert.Contains("nope:latest", failed.Berth.Sentence);
        Assert.NotNull(failed.Berth.NextStep);
    }

    [Fact]
    public async Task AStartThatIsStillPullingCanBeStopped()
    {
        var pulling = new TaskCompletionSource();
        _server.Compute.OnStart = async (_, progress, ct) =>
        {
            progress.Report(new StageReport(Stage.Pulling, "40 %"));
            pulling.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        };
        var (session, _) = await _server.StartSessionAsync();
        await pulling.Task;
        await Eventually.TrueAsync(async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.StageDetail == "40 %", "the stage is shown");

        await _server.Client.StopSessionAsync(session.Id, deleteWork: false, Ct);
        await _server.UntilAsync(session.Id, "ended");
        Assert.Empty(_server.Compute.Keys);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStartThatHangsFailsAtItsTimeAndWhatItMakesAfterwardsIsRemoved(bool breaksOff)
    {
        var (begun, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        _server.Compute.OnStart = (_, _, ct) =>
        {
            begun.SetResult();
            return breaksOff ? Task.Delay(Timeout.Infinite, ct) : goOn.Task;
        };
        var (session, _) = await _server.StartSessionAsync();
        await begun.Task.WaitAsync(Ct);
        _server.Compute.Plant(new SessionKey("01HXXXXXXXXXXXXXXXXXXXXXXX", 1));
        await Eventually.TrueAsync(() => _server.Compute.Keys.Count == 0, "it was observed, and what is seen of the session is no news any more");

        _server.Clock.Move(TimeSpan.FromMinutes(16));
        _server.Compute.Plant(new SessionKey("01HXXXXXXXXXXXXXXXXXXXXXXX", 2)); // wakes the loop
        var failed = await _server.UntilAsync(session.Id, "failed");
        Assert.Equal("start_timeout", failed.Berth.Reason);

        goOn.SetResult();
        await Eventually.TrueAsync(() => _server.Compute.Keys.Count == 0 && _server.Compute.Orders.Count == (breaksOff ? 0 : 1), "nothing of it is there");
        _server.Compute.OnStart = null;
        await _server.Client.ResumeSessionAsync(session.Id, new ResumeRequest(), Ct);
        await Eventually.TrueAsync(() => _server.Compute.Keys.SequenceEqual([new SessionKey(session.Id, 2)]), "it can be started again");
    }

    [Fact]
    public async Task ARestartedServerGoesOnWithEverySession()
    {
        var (running, agent) = await _server.RunningAsync(new StartRequest(Image: "busybox", Name: "runs"));
        await agent.DisposeAsync();
        var held = new TaskCompletionSource();
        _server.Compute.OnStart = (_, _, ct) => held.Task.WaitAsync(ct);
        var (starting, _) = await _server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "starts"));

        _server.Compute.OnStart = null;
        await _server.RestartAsync();

        await Eventually.TrueAsync(() => _server.Compute.Keys.Count == 2, "the interrupted start is repeated");
        Assert.Equal("running", (await _server.Client.GetSessionAsync(running.Id, Ct)).Berth.Status);
        await using var second = await _server.ReadyAgentAsync(starting);
        await _server.UntilAsync(starting.Id, "running");
    }

    [Fact]
    public async Task AnIdleSessionIsPausedAtItsTimeAndNotBefore()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        _server.Clock.Move(TimeSpan.FromHours(23));
        await agent.SayAsync(new AgentReport("ready", null, true, null, ["still here"]), Ct); // wakes the loop
        await Eventually.TrueAsync(async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Notices.Count == 1, "the loop has looked");
        Assert.Equal("running", (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Status);

        _server.Clock.Move(TimeSpan.FromMinutes(50));
        await agent.SayAsync(new AgentReport("ready", null, true, null, []), Ct);
        await Eventually.TrueAsync(async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Warning is not null, "its owner is warned");
        await Eventually.TrueAsync(() => agent.Notices.Any(n => n.Contains("It will be paused: 24 h without use.")), "and so is who is inside");
        Assert.Contains(await _server.Client.SessionEventsAsync(session.Id, Ct), e => e.Kind == "warned");

        _server.Clock.Move(TimeSpan.FromMinutes(15));
        await agent.SayAsync(new AgentReport("ready", null, true, null, ["wakes the loop"]), Ct);
        var paused = await _server.UntilAsync(session.Id, "paused");
        Assert.Equal("idle", paused.Berth.Reason);
    }

    [Fact]
    public async Task AfterALongSleepOfTheMachineNobodyIsPausedUnwarned()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        _server.Clock.Move(TimeSpan.FromDays(3));
        await agent.SayAsync(new AgentReport("ready", null, true, null, ["wakes the loop"]), Ct);

        await Eventually.TrueAsync(async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Warning is not null, "its owner is warned");
        var warned = await _server.Client.GetSessionAsync(session.Id, Ct);
        Assert.Equal("running", warned.Berth.Status);
        Assert.InRange(warned.Berth.StopsAt!.Value - _server.Clock.GetUtcNow(), TimeSpan.FromMinutes(13), TimeSpan.FromMinutes(15));

        await _server.Client.ExtendSessionAsync(session.Id, new ExtendRequest(60), Ct);
        Assert.Null((await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Warning);
    }

    [Fact]
    public async Task AnExtensionEndsAtThePoolsMaximumAgeAndIsRefusedBeyondIt()
    {
        await _server.Db.ExecuteAsync("UPDATE resource_pools SET age_threshold = 100800 WHERE id = 900", null, Ct); // 28 h
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        Assert.True(session.Berth.CanExtend);

        var extended = await _server.Client.ExtendSessionAsync(session.Id, new ExtendRequest(7 * 24 * 60), Ct);

        Assert.Equal("maximum age of 28 h", extended.Berth.StopsBecause);
        Assert.False(extended.Berth.CanExtend);
        Assert.Contains(await _server.Client.SessionEventsAsync(session.Id, Ct), e => e.Text.StartsWith("Extended to its maximum age, ", StringComparison.Ordinal));
        var refused = await Assert.ThrowsAsync<Berth.Contracts.Client.ApiException>(() => _server.Client.ExtendSessionAsync(session.Id, new ExtendRequest(60), Ct));
        Assert.Contains("Pause it and resume it for as long again", refused.Message);

        _server.Clock.Move(TimeSpan.FromHours(28) - TimeSpan.FromMinutes(10));
        _server.Wake(session.Id);
        await Eventually.TrueAsync(async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Warning is not null, "its owner is warned");
        Assert.DoesNotContain("extend", (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Warning);
        _server.Clock.Move(TimeSpan.FromMinutes(10));
        _server.Wake(session.Id);
        Assert.Equal("maximum_age", (await _server.UntilAsync(session.Id, "paused")).Berth.Reason);
    }

    [Fact]
    public async Task WhatKeepsASessionInUseIsToldUntilItIsOver()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        Assert.Empty(session.Berth.InUse!);
        _server.Clock.Move(TimeSpan.FromHours(5));
        await agent.SayAsync(new AgentActivity(0.01, 30, [AgentActivity.Kernel, AgentActivity.Terminal, AgentActivity.Copy, "of tomorrow"]), Ct);
        await Eventually.TrueAsync(
            async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.InUse is ["kernel busy", "command in a terminal", "copy of files"], "the uses are told");
        Assert.True((await _server.Client.GetSessionAsync(session.Id, Ct)).LastInteraction > session.LastInteraction.AddHours(4));

        await agent.SayAsync(new AgentActivity(0.01, 30, []), Ct);
        await Eventually.TrueAsync(async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.InUse is [], "it is idle");
    }

    [Fact]
    public async Task APausedSessionIsWarnedOfBeforeItIsStoppedAndCanBeKeptLonger()
    {
        var (session, agent) = await _server.RunningAsync();
        await using (agent)
            await _server.Client.PauseSessionAsync(session.Id, Ct);
        await _server.UntilAsync(session.Id, "paused");
        _server.Clock.Move(TimeSpan.FromDays(28));
        _server.Wake(session.Id);
        await Eventually.TrueAsync(
            async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Warning?.StartsWith("It will be stopped", StringComparison.Ordinal) == true, "its owner is warned");

        var kept = await _server.Client.ExtendSessionAsync(session.Id, new ExtendRequest(7 * 24 * 60), Ct);
        Assert.Null(kept.Berth.Warning);
        _server.Clock.Move(TimeSpan.FromDays(6));
        _server.Wake(session.Id);
        await Eventually.TrueAsync(async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Warning is not null, "again in time");
        _server.Clock.Move(TimeSpan.FromDays(1));
        _server.Wake(session.Id);
        Assert.Equal("paused_too_long", (await _server.UntilAsync(session.Id, "ended")).Berth.Reason);

        // Its work is kept for two weeks more, with a warning before that is over, too.
        _server.Clock.Move(TimeSpan.FromDays(12));
        _server.Wake(session.Id);
        await Eventually.TrueAsync(
            async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Warning?.StartsWith("Its work will be deleted", StringComparison.Ordinal) == true, "the work's deletion is warned of");
        Assert.Single(_server.Compute.Workspaces);
        _server.Clock.Move(TimeSpan.FromDays(2));
        _server.Wake(session.Id);
        await Eventually.TrueAsync(() => _server.Compute.Workspaces.IsEmpty, "the work is deleted");
    }

    [Fact]
    public async Task ProcessorTimeCountsAsUse()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        _server.Clock.Move(TimeSpan.FromHours(5));
        await agent.SayAsync(new AgentActivity(0.9, 30), Ct);
        await Eventually.TrueAsync(
            async () => (await _server.Client.GetSessionAsync(session.Id, Ct)).LastInteraction > session.LastInteraction.AddHours(4), "the use is noted");
    }
}
