using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Contracts.Agents;
using Berth.Contracts.Client;
using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Sessions;
using Berth.Server.Tests.Web;
using Berth.Tunnel;

namespace Berth.Server.Tests.Nodes;

/// <summary>What the server makes of machines that join, with made-up engines behind real connections.</summary>
public sealed class NodeTests : IAsyncLifetime
{
    private const string Pool = "Lab machines";
    private SessionServer _server = null!;
    private Caller _admin = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await SessionServer.StartAsync();
        var owner = await _server.Client.WhoAmIAsync(Ct);
        _admin = new Caller(owner.Id, owner.Username, true, CallerKind.Browser, null);
        var size = new JsonObject { ["name"] = "standard", ["cpu"] = 2, ["memory"] = 4, ["gpu"] = 0, ["max_storage"] = 10, ["default"] = true };
        await _server.Client.SendJsonAsync(HttpMethod.Post, "api/data/resource_pools", new JsonObject { ["name"] = Pool, ["public"] = true, ["kind"] = "nodes", ["classes"] = new JsonArray(size) }, Ct);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task ALostMachineFailsItsSessionAfterTheGraceTimeAndFindsItRunningWhenItComesBack()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin);
        var (session, agent) = await RunningAsync(node);
        await using var _ = agent;

        await node.CutAsync();
        _server.Clock.Move(TimeSpan.FromMinutes(1));
        await ReasonAsync(session, "node_away");
        var away = await _server.Client.GetSessionAsync(session, Ct);
        Assert.Equal("running", away.Berth.Status);
        Assert.Contains("lab1 has not been heard of since", away.Status.Message, StringComparison.Ordinal);
        Assert.Equal((null, null, null, false), (away.Berth.StopsAt, away.Status.WillHibernateAt, away.Berth.Warning, away.Berth.CanExtend));
        var page = await PageAsync($"/sessions/{session}");
        Assert.Contains("Whether it runs is not known", page, StringComparison.Ordinal);
        Assert.Equal("lab1", away.Berth.Machine);
        Assert.Contains("class standard, on lab1<", page, StringComparison.Ordinal);
        Assert.Contains("> Machine away<", page, StringComparison.Ordinal);
        var machines = await PageAsync("/nodes");
        Assert.Contains(", was running<", machines, StringComparison.Ordinal);
        Assert.Equal(1, machines.Split("lab1 has not been heard of since").Length - 1);
        Assert.DoesNotContain("last seen", machines, StringComparison.Ordinal);
        Assert.DoesNotContain("without use", page, StringComparison.Ordinal);

        _server.Clock.Move(_server.Options.NodeGrace);
        var lost = await UntilAsync(session, "failed");
        Assert.Equal("node_lost", lost.Berth.Reason);
        Assert.Matches(@"lab1 has not been heard of since \S+ \S+ UTC: its connection was closed, there or on the way\.", lost.Berth.Sentence);
        Assert.Contains("start --instead-of", lost.Berth.NextStep, StringComparison.Ordinal);

        await node.ConnectAsync();
        var back = await UntilAsync(session, "running");
        Assert.Equal((null, 1), (back.Berth.Reason, back.Berth.Generation));
        Assert.Single(node.Compute.Orders);
    }

    [Fact]
    public async Task WhoStopsALostSessionStartsAnewElsewhereAndWhatTheMachineStillRunsIsRemovedWhenItComesBack()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin);
        var (session, agent) = await RunningAsync(node);
        await agent.DisposeAsync();
        await node.CutAsync();
        _server.Clock.Move(_server.Options.NodeGrace + TimeSpan.FromMinutes(1));
        await UntilAsync(session, "failed");
        await _server.Client.StopSessionAsync(session, deleteWork: false, Ct);
        await UntilAsync(session, "ended");

        await using var other = await FakeNode.JoinAsync(_server, "lab2", _admin);
        var (second, next) = await RunningAsync(other);
        await using var _ = next;
        Assert.NotEqual(session, second);
        Assert.NotEmpty(node.Compute.Keys);
        await node.ConnectAsync();
        await Eventually.TrueAsync(() => node.Compute.Keys.Count == 0, "what nobody wants any more is removed");
        Assert.Single(node.Compute.Workspaces); // the work is kept
    }

    [Fact]
    public async Task WhatIsStartedInsteadOfALostSessionIsWhatThatWasOnAnotherMachine()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin);
        var (session, agent) = await RunningAsync(node);
        await agent.DisposeAsync();
        var refused = await Assert.ThrowsAsync<ApiException>(() => _server.Client.StartSessionAsync(new StartRequest(InsteadOf: session), Ct));
        Assert.Equal((ProblemCode.Conflict, "instead_of"), (refused.Problem.Kind, refused.Problem.Field));
        await node.CutAsync();
        _server.Clock.Move(_server.Options.NodeGrace + TimeSpan.FromMinutes(1));
        var lost = await UntilAsync(session, "failed");
        Assert.Contains($"berth session start --instead-of {lost.Name}", lost.Berth.NextStep, StringComparison.Ordinal);
        var page = await PageAsync($"/sessions/{session}");
        Assert.Contains("Start elsewhere, without its work", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Start again", page, StringComparison.Ordinal);

        // It may still run there: neither by itself nor by its launcher is it started over.
        refused = await Assert.ThrowsAsync<ApiException>(() => _server.Client.ResumeSessionAsync(session, new ResumeRequest(), Ct));
        Assert.Contains("--instead-of", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ApiException>(() => _server.Client.StartSessionAsync(new StartRequest(LauncherId: lost.LauncherId), Ct));
        await Assert.ThrowsAsync<ApiException>(() => _server.Client.StartSessionAsync(new StartRequest(InsteadOf: session, Cpu: 1000), Ct));
        Assert.Equal("node_lost", (await _server.Client.GetSessionAsync(session, Ct)).Berth.Reason);

        // Nothing is given up for a place in line that the lost machine alone could end.
        refused = await Assert.ThrowsAsync<ApiException>(() => _server.Client.StartSessionAsync(new StartRequest(InsteadOf: session), Ct));
        Assert.Equal(ProblemCode.NoCapacity, refused.Problem.Kind);
        Assert.Equal("node_lost", (await _server.Client.GetSessionAsync(session, Ct)).Berth.Reason);

        await using var other = await FakeNode.JoinAsync(_server, "lab2", _admin);
        var (instead, created) = await _server.Client.StartSessionAsync(new StartRequest(InsteadOf: lost.Name), Ct);
        Assert.True(created);
        Assert.Equal(
            (lost.Name, lost.Image, lost.LauncherId, lost.ResourceClassId, lost.Berth.PoolName, null),
            (instead.Name, instead.Image, instead.LauncherId, instead.ResourceClassId, instead.Berth.PoolName, instead.Berth.Continues));
        var over = await _server.Client.GetSessionAsync(session, Ct);
        Assert.Equal(("ended", true), (over.Berth.Status, over.Berth.WorkKept));

        Assert.Equal(lost.Resources.Requests, instead.Resources.Requests);
        await Eventually.TrueAsync(() => other.Compute.Keys.Any(k => k.SessionId == instead.Id), "it is started on the other machine");
        await node.ConnectAsync();
        await Eventually.TrueAsync(() => node.Compute.Keys.Count == 0, "what nobody wants any more is removed");
        Assert.Single(node.Compute.Workspaces);
    }

    [Fact]
    public async Task AServerThatWasAwayFailsNoSession()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin);
        var (session, agent) = await RunningAsync(node);
        await agent.DisposeAsync();
        await node.CutAsync();
        await _server.StopAsync();
        _server.Clock.Move(TimeSpan.FromHours(1));
        await _server.BootAsync();
        await node.ConnectAsync();
        await using var again = await AgentAsync(session);
        // What is asked of it now is answered: it is there, as it was.
        await Eventually.TrueAsync(() => node.Compute.Observations > 1, "the server has looked at the machine again");
        Assert.Equal(("running", null), Of(await _server.Client.GetSessionAsync(session, Ct)));
    }

    [Fact]
    public async Task AConnectionThatANodeGaveUpDoesNotTakeThePlaceOfTheOneThatItBeganLater()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin);
        await node.CutAsync();
        var (given, dialer) = await node.BeginAsync();
        using var _1 = dialer;
        using var _2 = given;
        await node.ConnectAsync();

        // What it said on the earlier one was on its way for long.
        await node.GreetAsync(given, new NodeOffer { Cpu = 1 });
        await EndsAsync(given);
        Assert.Equal(8, (await _server.Client.GetNodeAsync("lab1", Ct)).Offered!.Cpu);

        var (session, agent) = await RunningAsync(node);
        await using var _ = agent;
        Assert.Single(node.Compute.Orders, order => order.Key.SessionId == session);
    }

    [Fact]
    public async Task AnEarlierConnectionOfANodeEndsWhenItBeginsAnother()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin);
        var (earlier, dialer) = await node.BeginAsync();
        using var _1 = dialer;
        using var _2 = earlier;
        await node.GreetAsync(earlier);
        await earlier.ReceiveAsync(new byte[4096].AsMemory(), Ct);

        await node.ConnectAsync();
        await EndsAsync(earlier);
    }

    [Fact]
    public async Task AUsersMachineRunsNobodyElsesSessions()
    {
        var (bea, beasClient) = await UserAsync("bea");
        var (_, cedsClient) = await UserAsync("ced");
        using var _1 = beasClient;
        using var _2 = cedsClient;
        await using var node = await FakeNode.JoinAsync(_server, "beas", bea, own: true);

        foreach (var client in new[] { cedsClient, _server.Client })
        {
            var (waiting, _) = await client.StartSessionAsync(Request(), Ct);
            await Eventually.TrueAsync(
                async () => (await client.GetSessionAsync(waiting.Id, Ct)).Berth.Line?.Reason == "no machine serves the queue 'default'", "it waits for a machine of its own pool");
        }

        // Nor is it seen, changed or removed by others, but for admins.
        Assert.Empty(await cedsClient.ListNodesAsync(Ct));
        foreach (var act in new Func<Task>[] { () => cedsClient.GetNodeAsync("beas", Ct), () => cedsClient.DrainNodeAsync("beas", true, Ct), () => cedsClient.RemoveNodeAsync("beas", true, Ct) })
            Assert.Equal(ProblemCode.NotFound, (await Assert.ThrowsAsync<ApiException>(act)).Problem.Kind);
        Assert.Single(await _server.Client.ListNodesAsync(Ct));

        var (session, _) = await beasClient.StartSessionAsync(Request(), Ct);
        await Eventually.TrueAsync(() => node.Compute.Keys.Count == 1, "her own session runs there");
        var seen = Assert.Single(await beasClient.ListNodesAsync(Ct));
        Assert.Equal((session.Id, "bea"), (seen.Sessions.Single().Id, seen.Owner));
        Assert.Equal((6.0, 12.0), (seen.Free!.Cpu, seen.Free.MemoryGb));
    }

    [Fact]
    public async Task TheMachineOfAUserWhoIsDisabledIsCutAndLetInAgainWithItsUser()
    {
        var (bea, client) = await UserAsync("bea");
        using var _ = client;
        await using var node = await FakeNode.JoinAsync(_server, "beas", bea, own: true);
        await DisableAsync(bea, true);
        await Eventually.TrueAsync(async () => (await _server.Client.GetNodeAsync("beas", Ct)).State == "away", "it is cut");
        Assert.Contains("bea, whom alone it serves, is disabled", (await _server.Client.GetNodeAsync("beas", Ct)).Problem, StringComparison.Ordinal);
        foreach (var route in new[] { NodeRoutes.Control, NodeRoutes.Stream })
            await RefusedAsync(node.Token, route, "'403'");
        using (var machine = ApiClient.ForServer(new Uri(_server.Address), node.Token))
            Assert.Equal(ProblemCode.Forbidden, (await Assert.ThrowsAsync<ApiException>(() => machine.SetNodeOfferAsync(new NodeOffer(), Ct))).Problem.Kind);

        await DisableAsync(bea, false);
        await Eventually.TrueAsync(() => !_server.Service<NodeDirectory>().All.Single().Row.OwnerDisabled, "it is known");
        await node.CutAsync();
        await node.ConnectAsync();
        Assert.Equal("ready", (await _server.Client.GetNodeAsync("beas", Ct)).State);
    }

    [Fact]
    public async Task OnlyAdminsLetMachinesServePools()
    {
        var (ced, client) = await UserAsync("ced");
        using (client)
            Assert.Equal(ProblemCode.Forbidden, (await Assert.ThrowsAsync<ApiException>(() => client.CreateNodeTokenAsync(new NodeTokenRequest(), Ct))).Problem.Kind);
        Assert.Equal("ced", (await FakeNodeOwnerAsync(ced)).Owner);
    }

    [Fact]
    public async Task GpusAreGivenToOneSessionEachAndNotWhereSomebodyElseComputes()
    {
        var facts = new NodeFacts
        {
            Engine = "Docker 1",
            Cpu = 64,
            MemoryBytes = 64L << 30,
            DiskFreeBytes = 1L << 40,
            Gpus = [new(0, "GPU-a", "A", 1000, Busy: false), new(1, "GPU-b", "A", 1000, Busy: true), new(2, "GPU-c", "A", 1000, Busy: false), new(3, "GPU-d", "A", 1000, Busy: false)],
        };
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin, offer: new NodeOffer { Gpus = ["0", "1", "2"] }, facts: facts);
        await _server.Client.StartSessionAsync(Request() with { Gpu = "1", Name = "a" }, Ct);
        await _server.Client.StartSessionAsync(Request() with { Gpu = "1", Name = "b", Image = "other" }, Ct);
        await Eventually.TrueAsync(() => node.Compute.Orders.Count == 2, "both are started");
        Assert.Equal(["GPU-a", "GPU-c"], node.Compute.Orders.SelectMany(o => o.Spec.Resources.Gpu.Ids).Order());

        var (third, _) = await _server.Client.StartSessionAsync(Request() with { Gpu = "1", Name = "c", Image = "third" }, Ct);
        await Eventually.TrueAsync(
            async () => (await _server.Client.GetSessionAsync(third.Id, Ct)).Berth.Line?.Reason == "needs 1 gpu, 0 free on lab1 (1 not Berth's to give)", "the third waits for one");
        var all = await Assert.ThrowsAsync<ApiException>(() => _server.Client.StartSessionAsync(Request() with { Gpu = "all", Name = "d", Image = "fourth" }, Ct));
        Assert.Equal(("gpu", ProblemCode.Invalid), (all.Problem.Field, all.Problem.Kind));
    }

    [Fact]
    public async Task AMachineThatSaysMoreThanItHasIsShownWithBothAndGivenWhatItHas()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin, offer: new NodeOffer { Cpu = 1000, MemoryBytes = 1L << 40 });
        var shown = await _server.Client.GetNodeAsync("LAB1", Ct);
        Assert.Equal((1000.0, 8.0, 8.0, 16.0), (shown.Said!.Cpu, shown.Measured!.Cpu, shown.Offered!.Cpu, shown.Offered.MemoryGb));
    }

    [Fact]
    public async Task APausedSessionIsResumedOnTheMachineThatHasItsWorkAndWaitsForIt()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin);
        await using var other = await FakeNode.JoinAsync(_server, "lab2", _admin, facts: new NodeFacts { Engine = "Docker 1", Cpu = 64, MemoryBytes = 64L << 30, DiskFreeBytes = 1L << 40 });
        var (session, agent) = await RunningAsync(node, other);
        await agent.DisposeAsync();
        var here = node.Compute.Orders.IsEmpty ? other : node;
        await _server.Client.PauseSessionAsync(session, Ct);
        await UntilAsync(session, "paused");
        await here.CutAsync();
        await _server.Client.ResumeSessionAsync(session, new ResumeRequest(), Ct);
        await Eventually.TrueAsync(
            async () => (await _server.Client.GetSessionAsync(session, Ct)).Berth.Line?.Reason?.Contains("has not been heard of since", StringComparison.Ordinal) == true, "it waits for its machine");
        await here.ConnectAsync();
        await Eventually.TrueAsync(() => here.Compute.Keys.Contains(new SessionKey(session, 2)), "it is resumed there");
    }

    [Fact]
    public async Task AWrongTokenOfANodeAndOneOfARemovedNodeAreRefused()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", _admin);
        foreach (var route in new[] { NodeRoutes.Control, NodeRoutes.Stream })
            await RefusedAsync("node_nonsense", route);
        await _server.Client.RemoveNodeAsync("lab1", force: false, Ct);
        await RefusedAsync(node.Token, NodeRoutes.Control);
        Assert.Empty(await _server.Client.ListNodesAsync(Ct));
    }

    private static Task<WebSocketException> EndsAsync(WebSocket socket) =>
        Assert.ThrowsAsync<WebSocketException>(() => socket.ReceiveAsync(new byte[4096].AsMemory(), Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Ct));

    private static (string, string?) Of(SessionView view) => (view.Berth.Status, view.Berth.Reason);

    private static StartRequest Request() => new(Image: "busybox", PoolName: Pool);

    private async Task<(string Session, SimulatedAgent Agent)> RunningAsync(params FakeNode[] nodes)
    {
        var (session, _) = await _server.Client.StartSessionAsync(Request(), Ct);
        await Eventually.TrueAsync(() => nodes.Any(n => n.Compute.Keys.Any(k => k.SessionId == session.Id)), "a node has it");
        var agent = await AgentAsync(session.Id);
        await UntilAsync(session.Id, "running");
        return (session.Id, agent);
    }

    /// <summary>An agent on another machine: it comes over the network, by its token.</summary>
    private async Task<SimulatedAgent> AgentAsync(string session)
    {
        var key = new SessionKey(session, 1);
        var agent = await SimulatedAgent.ConnectAsync(new ServerDialer(_server.Address, _server.Service<AgentTokens>().Issue(key)), key, Ct);
        await agent.SayAsync(new AgentReport("ready", null, true, null, []), Ct);
        return agent;
    }

    private Task<SessionView> UntilAsync(string session, string status) => _server.UntilAsync(session, status);

    private Task ReasonAsync(string session, string? reason) => Eventually.TrueAsync(
        async () => (await _server.Client.GetSessionAsync(session, Ct)).Berth.Reason == reason, $"its reason is {reason}", TimeSpan.FromSeconds(40));

    private async Task<string> PageAsync(string path)
    {
        var link = await _server.Service<SignInLinks>().CreateAsync(_admin.UserId, Ct);
        using var browser = new PageServer.Browser(new Uri(_server.Address));
        await browser.GetAsync(new Uri(link.Url).PathAndQuery);
        return (await browser.GetAsync(path)).Text;
    }

    private async Task<(Caller Caller, ApiClient Client)> UserAsync(string name)
    {
        var made = await _server.Client.SendJsonAsync(HttpMethod.Post, "api/data/users", new JsonObject { ["username"] = name }, Ct);
        var caller = new Caller(made.GetProperty("id").GetString()!, name, false, CallerKind.Browser, null);
        var token = await _server.Service<ApiTokens>().CreateAsync(caller, new Berth.Contracts.Users.TokenRequest("test"), Ct);
        return (caller, ApiClient.ForServer(new Uri(_server.Address), token.Secret));
    }

    private async Task<NodeView> FakeNodeOwnerAsync(Caller caller)
    {
        await using var node = await FakeNode.JoinAsync(_server, "own", caller, own: true);
        return await _server.Client.GetNodeAsync("own", Ct);
    }

    private Task<JsonElement> DisableAsync(Caller user, bool disabled) =>
        _server.Client.SendJsonAsync(HttpMethod.Patch, $"api/data/users/{user.UserId}", new JsonObject { ["disabled"] = disabled }, Ct);

    private async Task RefusedAsync(string token, string route, string status = "'401'")
    {
        using var dialer = new ServerDialer(_server.Address, token);
        var refusal = await Record.ExceptionAsync(() => dialer.ConnectAsync(route, "x", Ct));
        if (route == NodeRoutes.Control && status == "'401'")
            Assert.IsType<NodeUnknownException>(refusal);
        else
            Assert.Contains(status, Assert.IsType<WebSocketException>(refusal).Message, StringComparison.Ordinal);
    }
}
