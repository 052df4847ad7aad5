using Berth.Contracts.Client;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Nodes;
using Berth.Server.Tests.Nodes;
using Berth.Server.Tests.Storage;

namespace Berth.Server.Tests.Queues;

/// <summary>Who stands in line: where, why, in which order, and until when.</summary>
public abstract class LineTests : LineTest
{
    [Fact]
    public async Task WhoFindsNoRoomWaitsWithPlaceAndReasonAndStartsWhenAnotherEnds()
    {
        await using var node = await JoinAsync("lab1", cpu: 4);
        var (a, b) = (await StartAsync("a"), await StartAsync("b"));
        await TakenAsync(node, a, b);
        await using var agent = await AgentAsync(b);
        await Server.UntilAsync(b, "running");
        var (c, d) = (await StartAsync("c"), await StartAsync("d"));
        var second = await WaitsAsync(d, 2);
        Assert.Equal(("day", 2, "needs 2 cores, 0 free on lab1"), (second.Line!.Queue, second.Line.Of, second.Line.Reason));
        Assert.Equal(("launching", "queued", "2nd of 2 in the queue 'day': needs 2 cores, 0 free on lab1"), (second.Status, second.Stage, second.StageDetail));
        Assert.Null(second.Reason);
        Assert.Equal((null, "lab1"), (second.Machine, (await ViewAsync(b)).Berth.Machine));
        Assert.Contains(await Server.Client.SessionEventsAsync(b, Ct), e => e.Text == "Given the machine lab1.");
        Assert.StartsWith("It waits in line, 2nd of 2", (await ViewAsync(d)).Status.Message, StringComparison.Ordinal);
        var queues = await Server.Client.ListQueuesAsync(Ct);
        Assert.Equal(("day", 1, 1, 2, 2), (queues[0].Name, queues[0].Machines, queues[0].Ready, queues[0].Waiting, queues[0].Running));

        // As long as it takes: a starting time is not counted, and nothing is written meanwhile.
        Server.Clock.Move(TimeSpan.FromHours(1));
        await StopAsync(a);
        await TakenAsync(node, b, c);
        Assert.Equal(1, (await WaitsAsync(d, 1)).Line!.Of);
        Assert.Equal(1, await Server.CountAsync($"SELECT version FROM sessions WHERE id = '{d}'"));
        var history = await Server.Client.SessionEventsAsync(c, Ct);
        Assert.Contains(history, e => e.Kind == "placed" && e.Text.StartsWith("Given the machine lab1, after ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WithoutAMachineASessionWaitsUntilOneJoins()
    {
        var session = await StartAsync("a");
        Assert.Equal("no machine serves the queue 'day'", (await WaitsAsync(session, null)).Line!.Reason);
        await using var node = await JoinAsync("lab1", cpu: 4);
        await TakenAsync(node, session);
    }

    [Fact]
    public async Task WhatNoMachineCanEverTakeIsRefusedAtOnceAlsoWhereTheMachineIsAway()
    {
        await using var node = await JoinAsync("lab1", cpu: 1);
        await node.CutAsync();
        var refused = await Assert.ThrowsAsync<ApiException>(() => StartAsync("a"));
        Assert.Equal(ProblemCode.NoCapacity, refused.Problem.Kind);
        Assert.Contains("can ever take the session: no machine of the queue 'day' has 2 cores; the largest has 1", refused.Message, StringComparison.Ordinal);
        // In the other queue there is no machine yet: one may come.
        var waiting = await WaitsAsync(await StartAsync("b", "night"), null);
        Assert.Equal(("no machine serves the queue 'night'", "no machine serves the queue 'night'"), (waiting.Line!.Reason, waiting.StageDetail));
    }

    [Fact]
    public async Task AMachineOfAnotherQueueOrAnotherPersonsThatNeverSaidWhatItHasMakesNobodyWaitInVain()
    {
        await using var node = await JoinAsync("lab1", cpu: 1);
        await using var night = await JoinAsync("lab2", cpu: 8, queues: ["night"]);
        await using var beas = await FakeNode.JoinAsync(Server, "lab3", await CallerAsync("bea"), own: true, offer: new() { Queues = ["day"] });
        await night.CutAsync();
        await beas.CutAsync();
        await Server.Db.ExecuteAsync("UPDATE nodes SET facts = NULL WHERE name <> 'lab1'", null, Ct);
        await Server.Service<NodeDirectory>().ReadAsync(Ct);
        var refused = await Assert.ThrowsAsync<ApiException>(() => StartAsync("a"));
        Assert.Contains("no machine of the queue 'day' has 2 cores; the largest has 1", refused.Message, StringComparison.Ordinal);
        await WaitsAsync(await StartAsync("b", "night"), null, any: true);
    }

    [Fact]
    public async Task QueuesThatDifferInCaseAloneAreOneAndOneThatNoPoolHasIsTold()
    {
        await using var node = await JoinAsync("lab1", cpu: 2, queues: ["DAY", "dya"]);
        var a = await StartAsync("a");
        await TakenAsync(node, a);
        Assert.Equal(1, (await WaitsAsync(await StartAsync("b"), 1)).Line!.Of);
        var queue = (await Server.Client.ListQueuesAsync(Ct)).Single(q => q.Name == "day");
        Assert.Equal((1, 1, 1, 1), (queue.Machines, queue.Ready, queue.Waiting, queue.Running));
        Assert.Equal("No pool has the queue 'dya': no session comes from it.", (await Server.Client.GetNodeAsync("lab1", Ct)).Problem);
        await using var other = await JoinAsync("lab2", cpu: 1, queues: ["Night", "NIGHT"]);
        var shown = (await Server.Client.ListNodesAsync(Ct)).Single(n => n.Name == "lab2");
        Assert.Equal((null, "ready", "Night"), (shown.Problem, shown.State, Assert.Single(shown.Queues)));
    }

    [Fact]
    public async Task WhoWaitsIsStoppedPausedResumedAndDeletedWithoutAnyMachine()
    {
        var (a, b, c) = (await StartAsync("a"), await StartAsync("b"), await StartAsync("c"));
        var stopped = await Server.Client.StopSessionAsync(a, deleteWork: false, Ct);
        Assert.Equal(("ended", false), (stopped.Berth.Status, stopped.Berth.WorkKept));
        Assert.Equal("ended", (await Server.Client.StopSessionAsync(b, deleteWork: true, Ct)).Berth.Status);
        Assert.Equal("paused", (await Server.Client.PauseSessionAsync(c, Ct)).Berth.Status);
        await using var node = await JoinAsync("lab1", cpu: 8);
        var resumed = await Server.Client.ResumeSessionAsync(c, new ResumeRequest(), Ct);
        Assert.Equal(("launching", 2), (resumed.Berth.Status, resumed.Berth.Generation));
        await TakenAsync(node, c);
        Assert.Single(node.Compute.Orders);
    }

    [Fact]
    public async Task AServerThatStartsAgainFindsTheLineAsItWas()
    {
        var node = await JoinAsync("lab1", cpu: 2);
        var (a, b, c) = (await StartAsync("a"), await StartAsync("b"), await StartAsync("c"));
        await TakenAsync(node, a);
        await WaitsAsync(c, 2);
        await node.CutAsync();
        await Server.RestartAsync();
        await WaitsAsync(b, 1);
        await WaitsAsync(c, 2);
        await node.ConnectAsync();
        await StopAsync(a);
        await TakenAsync(node, b);
        await WaitsAsync(c, 1);
        Assert.Equal([a, b], node.Compute.Orders.Select(o => o.Key.SessionId).Distinct());
        await node.DisposeAsync();
    }

    [Fact]
    public async Task OfManyAtOnceEachIsStartedOnceAndNoMachineHasMoreThanItHas()
    {
        await using var node = await JoinAsync("lab1", cpu: 6);
        await using var other = await JoinAsync("lab2", cpu: 4);
        var most = 0;
        foreach (var (compute, room) in new[] { (node.Compute, 3), (other.Compute, 2) })
        {
            compute.OnStart = (_, _, _) =>
            {
                most = Math.Max(most, compute.Keys.Count - room + 1); // more than 0 where there was no room
                return Task.CompletedTask;
            };
        }

        var sessions = await Task.WhenAll(Enumerable.Range(0, 25).Select(i => StartAsync($"s{i}")));
        var ended = new HashSet<string>();
        while (ended.Count < sessions.Length)
        {
            await Eventually.TrueAsync(() => Running().Any(), "somebody runs");
            var next = Running().First();
            await StopAsync(next);
            ended.Add(next);
        }

        Assert.True(most <= 0);
        Assert.Equal(sessions.Order(), node.Compute.Orders.Concat(other.Compute.Orders).Select(o => o.Key.SessionId).Order());

        IEnumerable<string> Running() => node.Compute.Keys.Concat(other.Compute.Keys).Select(k => k.SessionId).Where(s => !ended.Contains(s));
    }

    [Fact]
    public async Task AMachineTakesOfItsQueuesInTheirOrderAndAnUnknownQueueIsRefusedWithThoseThereAre()
    {
        await using var node = await JoinAsync("lab1", cpu: 2, queues: ["night", "day"]);
        var a = await StartAsync("a");
        await TakenAsync(node, a);
        var (day, night) = (await StartAsync("b"), await StartAsync("c", "NIGHT"));
        await WaitsAsync(day, 1);
        await WaitsAsync(night, 1);
        await StopAsync(a);
        await TakenAsync(node, night);
        await WaitsAsync(day, 1);

        var refused = await Assert.ThrowsAsync<ApiException>(() => StartAsync("d", "noon"));
        Assert.Equal(("queue", $"The pool '{Pool}' has no queue 'noon'. It has: day, night."), (refused.Problem.Field, refused.Message));
        var none = await Assert.ThrowsAsync<ApiException>(() => Server.StartSessionAsync(new StartRequest(Image: "busybox", Queue: "day")));
        Assert.Contains("The pool 'Tests' has no queues", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LowPriorityLetsOthersGoFirstAndHighIsForAdmins()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        var a = await StartAsync("a");
        await TakenAsync(node, a);
        var (low, ordinary, urgent) = (await StartAsync("b", priority: -1), await StartAsync("c"), await StartAsync("d", priority: 1));
        await WaitsAsync(urgent, 1);
        await WaitsAsync(ordinary, 2);
        Assert.Equal(-1, (await WaitsAsync(low, 3)).Line!.Priority);

        using var bea = await UserAsync("bea");
        var refused = await Assert.ThrowsAsync<ApiException>(() => bea.StartSessionAsync(Request("x") with { Priority = 1 }, Ct));
        Assert.Equal((ProblemCode.Forbidden, "priority"), (refused.Problem.Kind, refused.Problem.Field));
        Assert.True((await bea.StartSessionAsync(Request("y") with { Priority = -2 }, Ct)).Created);
        Assert.Equal("priority", (await Assert.ThrowsAsync<ApiException>(() => StartAsync("e", priority: 11))).Problem.Field);
    }

    [Fact]
    public async Task APriorityIsChangedWhileASessionWaitsWithinLimitsByItsOwnerAndBeyondThemByAnAdmin()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        var a = await StartAsync("a");
        await TakenAsync(node, a);
        using var bea = await UserAsync("bea");
        using var ced = await UserAsync("ced");
        var beas = (await bea.StartSessionAsync(Request("b"), Ct)).Session.Id;
        var mine = await StartAsync("c");
        await Eventually.TrueAsync(async () => (await bea.GetSessionAsync(beas, Ct)).Berth.Line?.Position == 1, "bea's is first");

        // Its owner lets others go first, and no more.
        Assert.Equal(-2, (await bea.PrioritiseSessionAsync(beas, new PriorityRequest(-2), Ct)).Berth.Line!.Priority);
        await WaitsAsync(mine, 1);
        await RefusedAsync(ProblemCode.Forbidden, () => bea.PrioritiseSessionAsync(beas, new PriorityRequest(1), Ct));
        await RefusedAsync(ProblemCode.Invalid, () => bea.PrioritiseSessionAsync(beas, new PriorityRequest(-11), Ct));

        // Nobody moves another's but an admin, and an admin not as if it were their own.
        await RefusedAsync(ProblemCode.NotFound, () => ced.PrioritiseSessionAsync(beas, new PriorityRequest(-3), Ct));
        await RefusedAsync(ProblemCode.Forbidden, () => ced.PrioritiseAsAdminAsync(beas, new PriorityRequest(-3), Ct));
        await RefusedAsync(ProblemCode.Forbidden, () => bea.PrioritiseAsAdminAsync(beas, new PriorityRequest(5), Ct));
        await RefusedAsync(ProblemCode.NotFound, () => Server.Client.PrioritiseSessionAsync(beas, new PriorityRequest(5), Ct));
        await RefusedAsync(ProblemCode.Invalid, () => Server.Client.PrioritiseAsAdminAsync(beas, new PriorityRequest(11), Ct));
        Assert.Equal(5, (await Server.Client.PrioritiseAsAdminAsync(beas, new PriorityRequest(5), Ct)).Priority);
        await WaitsAsync(mine, 2);
        var admin = await Server.OwnerNameAsync();
        var told = await bea.SessionEventsAsync(beas, Ct);
        Assert.Contains(told, e => e.Kind == "priority" && e.By == "bea" && e.Text == "Its priority in line is -2 now.");
        Assert.Contains(told, e => e.Kind == "admin" && e.By == admin && e.Text == $"Given the priority 5 in line by the administrator {admin}.");

        await StopAsync(a);
        await TakenAsync(node, beas);
        await RefusedAsync(ProblemCode.Conflict, () => bea.PrioritiseSessionAsync(beas, new PriorityRequest(-1), Ct));
        await RefusedAsync(ProblemCode.Conflict, () => Server.Client.PrioritiseAsAdminAsync(beas, new PriorityRequest(1), Ct));

        static async Task RefusedAsync(ProblemCode code, Func<Task> ask) => Assert.Equal(code, (await Assert.ThrowsAsync<ApiException>(ask)).Problem.Kind);
    }

    [Fact]
    public async Task AnEstimateIsMadeOfHowLongRecentSessionsRan()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        for (var i = 0; i < 5; i++)
        {
            var before = await StartAsync($"before{i}");
            await TakenAsync(node, before);
            Server.Clock.Move(TimeSpan.FromMinutes(10));
            await StopAsync(before);
        }

        var runs = await StartAsync("runs");
        await TakenAsync(node, runs);
        Server.Clock.Move(TimeSpan.FromMinutes(2));
        var waits = await WaitsAsync(await StartAsync("waits"), 1);
        Assert.Equal("durations", waits.Line!.EstimateFrom);
        Assert.InRange(waits.Line.Estimate!.Value - Server.Clock.GetUtcNow(), TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(11));
        Assert.Matches("; may start at about .*UTC$", waits.StageDetail);
    }
}

public sealed class SqliteLineTests : LineTests;

public sealed class PostgresLineTests(PostgresFixture postgres) : LineTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
