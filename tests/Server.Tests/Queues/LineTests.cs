using System.Text.Json.Nodes;
using Berth.Contracts.Agents;
using Berth.Contracts.Client;
using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Contracts.Users;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Queues;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Nodes;
using Berth.Server.Tests.Sessions;
using Berth.Server.Tests.Storage;
using Berth.Tunnel;

namespace Berth.Server.Tests.Queues;

/// <summary>Sessions that wait in line for machines, with made-up engines behind real connections and a real database.</summary>
public abstract class LineTests : IAsyncLifetime
{
    private const string Pool = "Lab machines";
    private SessionServer _server = null!;
    private Caller _admin = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected virtual Task<string?> DatabaseUrlAsync() => Task.FromResult<string?>(null);

    public async ValueTask InitializeAsync()
    {
        _server = await SessionServer.StartAsync(await DatabaseUrlAsync());
        var owner = await _server.Client.WhoAmIAsync(Ct);
        _admin = new Caller(owner.Id, owner.Username, true, CallerKind.Browser, null);
        var size = new JsonObject { ["name"] = "standard", ["cpu"] = 2, ["memory"] = 4, ["gpu"] = 0, ["max_storage"] = 10, ["default"] = true };
        var pool = new JsonObject { ["name"] = Pool, ["public"] = true, ["kind"] = "nodes", ["queues"] = new JsonArray("day", "night"), ["classes"] = new JsonArray(size) };
        await _server.Client.SendJsonAsync(HttpMethod.Post, "api/data/resource_pools", pool, Ct);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task WhoFindsNoRoomWaitsWithPlaceAndReasonAndStartsWhenAnotherEnds()
    {
        await using var node = await JoinAsync("lab1", cpu: 4);
        var (a, b) = (await StartAsync("a"), await StartAsync("b"));
        await TakenAsync(node, a, b);
        await using var agent = await AgentAsync(b);
        await _server.UntilAsync(b, "running");
        var (c, d) = (await StartAsync("c"), await StartAsync("d"));
        var second = await WaitsAsync(d, 2);
        Assert.Equal(("day", 2, "needs 2 cores, 0 free on lab1"), (second.Line!.Queue, second.Line.Of, second.Line.Reason));
        Assert.Equal(("launching", "queued", "2nd of 2 in the queue 'day': needs 2 cores, 0 free on lab1"), (second.Status, second.Stage, second.StageDetail));
        Assert.Null(second.Reason);
        Assert.StartsWith("It waits in line, 2nd of 2", (await ViewAsync(d)).Status.Message, StringComparison.Ordinal);
        var queues = await _server.Client.ListQueuesAsync(Ct);
        Assert.Equal(("day", 1, 1, 2, 2), (queues[0].Name, queues[0].Machines, queues[0].Ready, queues[0].Waiting, queues[0].Running));

        // As long as it takes: a starting time is not counted, and nothing is written meanwhile.
        _server.Clock.Move(TimeSpan.FromHours(1));
        await StopAsync(a);
        await TakenAsync(node, b, c);
        Assert.Equal(1, (await WaitsAsync(d, 1)).Line!.Of);
        Assert.Equal(1, await _server.CountAsync($"SELECT version FROM sessions WHERE id = '{d}'"));
        var history = await _server.Client.SessionEventsAsync(c, Ct);
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
        Assert.Equal("no machine serves the queue 'night'", (await WaitsAsync(await StartAsync("b", "night"), null)).Line!.Reason);
    }

    [Fact]
    public async Task WhoWaitsIsStoppedPausedResumedAndDeletedWithoutAnyMachine()
    {
        var (a, b, c) = (await StartAsync("a"), await StartAsync("b"), await StartAsync("c"));
        var stopped = await _server.Client.StopSessionAsync(a, deleteWork: false, Ct);
        Assert.Equal(("ended", false), (stopped.Berth.Status, stopped.Berth.WorkKept));
        Assert.Equal("ended", (await _server.Client.StopSessionAsync(b, deleteWork: true, Ct)).Berth.Status);
        Assert.Equal("paused", (await _server.Client.PauseSessionAsync(c, Ct)).Berth.Status);
        await using var node = await JoinAsync("lab1", cpu: 8);
        var resumed = await _server.Client.ResumeSessionAsync(c, new ResumeRequest(), Ct);
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
        await _server.RestartAsync();
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
    public async Task WhatAMachineDoesNotTakeGoesBackToItsPlaceAndElsewhere()
    {
        // It says it has more than its engine gives.
        await using var liar = await JoinAsync("lab1", cpu: 2);
        liar.Compute.OnStart = (_, _, _) => throw new ProviderException(Reason.NoCapacity, "2 cores, and lab1 has 1.");
        var session = await StartAsync("a");
        var waits = await WaitsAsync(session, 1);
        Assert.Matches(@"^lab1 did not take it \(The machine has not got what it asks for: 2 cores, and lab1 has 1\); it is asked again at .* UTC$", waits.Line!.Reason);
        Assert.Empty(liar.Compute.Workspaces);

        await using var honest = await JoinAsync("lab2", cpu: 2);
        await TakenAsync(honest, session);
        var history = await _server.Client.SessionEventsAsync(session, Ct);
        Assert.Single(history, e => e.Text.StartsWith("Back in line, at its old place.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AMachineIsAskedThreeTimesForOneStartAndRestsWhenItTakesNothingOfThree()
    {
        await using var broken = await JoinAsync("lab1", cpu: 64);
        var asked = 0;
        broken.Compute.OnStart = (_, _, _) =>
        {
            Interlocked.Increment(ref asked);
            throw new ProviderException(Reason.DiskFull, "no space left on device");
        };
        var first = await StartAsync("a");
        for (var times = 1; times <= 3; times++)
        {
            await Eventually.TrueAsync(() => Volatile.Read(ref asked) == times, $"it is asked {times} times");
            await WaitsAsync(first, 1);
            _server.Clock.Move(TimeSpan.FromMinutes(30));
            _server.Service<Rounds>().Ask();
        }

        await Eventually.TrueAsync(async () => (await ViewAsync(first)).Berth.Line?.Reason?.EndsWith("it is not asked again for this start", StringComparison.Ordinal) == true, "it is not asked any more");
        Assert.Equal(3, asked);
        foreach (var name in new[] { "b", "c", "d" })
            await WaitsAsync(await StartAsync(name), null, any: true);
        await Eventually.TrueAsync(() => Volatile.Read(ref asked) == 6, "three more find out");
        var late = await StartAsync("late");
        await Eventually.TrueAsync(async () => (await ViewAsync(late)).Berth.Line?.Reason?.StartsWith("lab1 took none of its last sessions", StringComparison.Ordinal) == true, "it rests");
        Assert.Equal(6, asked);
    }

    [Fact]
    public async Task AStartOfWhichItIsNotKnownWhetherItRunsGoesNowhereElse()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        var heard = new TaskCompletionSource();
        node.Compute.OnStart = async (_, _, ct) =>
        {
            heard.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        };
        var session = await StartAsync("a");
        await heard.Task.WaitAsync(Ct);
        await using var other = await JoinAsync("lab2", cpu: 2);
        await node.CutAsync();
        await Eventually.TrueAsync(async () => (await ViewAsync(session)).Berth.Reason == "node_away", "nothing is known of it", TimeSpan.FromSeconds(40));
        Assert.Empty(other.Compute.Orders);
        node.Compute.OnStart = null;
        await node.ConnectAsync();
        await TakenAsync(node, session);
        Assert.Empty(other.Compute.Orders);
        Assert.Equal(1, (await ViewAsync(session)).Berth.Generation);
    }

    [Fact]
    public async Task AMachineThatHasCertainlyNotHeardOfAStartDoesNotKeepIt()
    {
        await using var deaf = await JoinAsync("lab1", cpu: 2);
        await deaf.CutAsync();
        deaf.Deaf = true;
        await deaf.ConnectAsync();
        var session = await StartAsync("a");
        await Eventually.TrueAsync(
            async () => (await ViewAsync(session)).Berth.Line?.Reason?.Contains("lab1: it has not answered for 15 s", StringComparison.Ordinal) == true,
            "it is back in line", TimeSpan.FromSeconds(40));
        await using var other = await JoinAsync("lab2", cpu: 2);
        await TakenAsync(other, session);
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
        var none = await Assert.ThrowsAsync<ApiException>(() => _server.StartSessionAsync(new StartRequest(Image: "busybox", Queue: "day")));
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
    public async Task AMachineThatIsDrainedOrAwayTakesNobodyOutOfLineUntilItIsBack()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        await _server.Client.DrainNodeAsync("lab1", true, Ct);
        var session = await StartAsync("a");
        Assert.Equal("lab1 takes nothing new", (await WaitsAsync(session, 1)).Line!.Reason);
        await node.CutAsync();
        await Eventually.TrueAsync(async () => (await ViewAsync(session)).Berth.Line?.Reason?.StartsWith("lab1 has not been heard of since", StringComparison.Ordinal) == true, "the reason follows");
        await _server.Client.DrainNodeAsync("lab1", false, Ct);
        Assert.Empty(node.Compute.Orders);
        await node.ConnectAsync();
        await TakenAsync(node, session);
    }

    [Fact]
    public async Task AGpuThatSomebodyElseUsesIsGivenOnceItIsFree()
    {
        var busy = new NodeGpu(0, "GPU-a", "A100", 1000, Busy: true);
        await using var node = await JoinAsync("lab1", cpu: 8, gpus: [busy]);
        var (session, _) = await _server.Client.StartSessionAsync(Request("a") with { Gpu = "1" }, Ct);
        Assert.Equal("needs 1 gpu, 0 free on lab1 (1 not Berth's to give)", (await WaitsAsync(session.Id, 1)).Line!.Reason);
        node.Facts = node.Facts with { Gpus = [busy with { Busy = false }] };
        await node.ReportAsync();
        await TakenAsync(node, session.Id);
        Assert.Equal(["GPU-a"], Assert.Single(node.Compute.Orders).Spec.Resources.Gpu.Ids);
    }

    [Fact]
    public async Task AnEstimateIsMadeOfHowLongRecentSessionsRan()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        for (var i = 0; i < 5; i++)
        {
            var before = await StartAsync($"before{i}");
            await TakenAsync(node, before);
            _server.Clock.Move(TimeSpan.FromMinutes(10));
            await StopAsync(before);
        }

        var runs = await StartAsync("runs");
        await TakenAsync(node, runs);
        _server.Clock.Move(TimeSpan.FromMinutes(2));
        var waits = await WaitsAsync(await StartAsync("waits"), 1);
        Assert.Equal("durations", waits.Line!.EstimateFrom);
        Assert.InRange(waits.Line.Estimate!.Value - _server.Clock.GetUtcNow(), TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(11));
        Assert.Matches("; may start at about .*UTC$", waits.StageDetail);
    }

    [Fact]
    public async Task APausedSessionWaitsForTheMachineThatHasItsWork()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        var a = await StartAsync("a");
        await TakenAsync(node, a);
        await using (await AgentAsync(a))
            await _server.UntilAsync(a, "running");
        await _server.Client.PauseSessionAsync(a, Ct);
        await _server.UntilAsync(a, "paused");
        var b = await StartAsync("b");
        await TakenAsync(node, b);
        await using var other = await JoinAsync("lab2", cpu: 2);
        await _server.Client.ResumeSessionAsync(a, new ResumeRequest(), Ct);
        Assert.Equal("its work is on lab1: needs 2 cores, 0 free on lab1", (await WaitsAsync(a, 1)).Line!.Reason);
        Assert.Empty(other.Compute.Orders);
        await StopAsync(b);
        await TakenAsync(node, a);
        Assert.Equal(2, node.Compute.Keys.Single().Generation);
    }

    [Fact]
    public async Task AReportThatSaysNothingNewIsKeptAndTellsNobody()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        var directory = _server.Service<NodeDirectory>();
        var changes = 0;
        directory.Changed += () => Interlocked.Increment(ref changes);
        _server.Clock.Move(TimeSpan.FromMinutes(1));
        var seen = directory.All[0].Row.LastSeen;
        node.Facts = node.Facts with { MemoryFreeBytes = 1, DiskFreeBytes = node.Facts.DiskFreeBytes - 1000 };
        await node.ReportAsync();
        await Eventually.TrueAsync(() => directory.All[0].Row.LastSeen > seen, "it is taken in");
        Assert.Equal(directory.All[0].Row.LastSeen, await _server.CountAsync("SELECT last_seen FROM nodes"));
        Assert.Equal(0, changes);
        node.Facts = node.Facts with { Cpu = 4 };
        await node.ReportAsync();
        await Eventually.TrueAsync(() => changes == 1, "more cores are news");
    }

    private static StartRequest Request(string name) => new(Image: $"image-{name}", Name: name, PoolName: Pool);

    private async Task<string> StartAsync(string name, string? queue = null, int? priority = null) =>
        (await _server.Client.StartSessionAsync(Request(name) with { Queue = queue, Priority = priority }, Ct)).Session.Id;

    private async Task StopAsync(string session)
    {
        await _server.Client.StopSessionAsync(session, deleteWork: false, Ct);
        await _server.UntilAsync(session, "ended");
    }

    private Task<FakeNode> JoinAsync(string name, double cpu, string[]? queues = null, NodeGpu[]? gpus = null) => FakeNode.JoinAsync(
        _server, name, _admin, offer: new NodeOffer { Queues = queues ?? ["day"] },
        facts: new NodeFacts { Engine = "Docker 1", Cpu = cpu, MemoryBytes = 256L << 30, DiskFreeBytes = 1L << 40, Gpus = gpus ?? [] });

    private static Task TakenAsync(FakeNode node, params string[] sessions) => Eventually.TrueAsync(
        () => node.Compute.Keys.Select(k => k.SessionId).Order().SequenceEqual(sessions.Order()), $"{node.Joined.Name} has exactly these");

    private async Task<SessionView> ViewAsync(string session) => await _server.Client.GetSessionAsync(session, Ct);

    private async Task<SessionExtra> WaitsAsync(string session, int? position, bool any = false)
    {
        SessionView? view = null;
        await Eventually.TrueAsync(
            async () => (view = await ViewAsync(session)).Berth.Line is { Reason: not null } line && (any || line.Position == position),
            () => $"it waits at {position}, it is {view?.Berth.Status}: {view?.Status.Message}");
        return view!.Berth;
    }

    private async Task<SimulatedAgent> AgentAsync(string session)
    {
        var key = new SessionKey(session, 1);
        var agent = await SimulatedAgent.ConnectAsync(new ServerDialer(_server.Address, _server.Service<AgentTokens>().Issue(key)), key, Ct);
        await agent.SayAsync(new AgentReport("ready", null, true, null, []), Ct);
        return agent;
    }

    private async Task<ApiClient> UserAsync(string name)
    {
        var made = await _server.Client.SendJsonAsync(HttpMethod.Post, "api/data/users", new JsonObject { ["username"] = name }, Ct);
        var caller = new Caller(made.GetProperty("id").GetString()!, name, false, CallerKind.Browser, null);
        var token = await _server.Service<ApiTokens>().CreateAsync(caller, new TokenRequest("test"), Ct);
        return ApiClient.ForServer(new Uri(_server.Address), token.Secret);
    }
}

public sealed class SqliteLineTests : LineTests;

public sealed class PostgresLineTests(PostgresFixture postgres) : LineTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
