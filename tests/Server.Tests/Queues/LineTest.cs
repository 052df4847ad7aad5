using System.Text.Json.Nodes;
using Berth.Contracts.Agents;
using Berth.Contracts.Client;
using Berth.Contracts.Nodes;
using Berth.Contracts.Sessions;
using Berth.Contracts.Users;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Nodes;
using Berth.Server.Tests.Sessions;
using Berth.Tunnel;

namespace Berth.Server.Tests.Queues;

/// <summary>A server with a pool whose machines are made-up engines behind real connections, and a real database.</summary>
public abstract class LineTest : IAsyncLifetime
{
    protected const string Pool = "Lab machines";

    protected SessionServer Server { get; private set; } = null!;

    protected Caller Admin { get; private set; } = null!;

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected virtual Task<string?> DatabaseUrlAsync() => Task.FromResult<string?>(null);

    public async ValueTask InitializeAsync()
    {
        Server = await SessionServer.StartAsync(await DatabaseUrlAsync());
        var owner = await Server.Client.WhoAmIAsync(Ct);
        Admin = new Caller(owner.Id, owner.Username, true, CallerKind.Browser, null);
        var size = new JsonObject { ["name"] = "standard", ["cpu"] = 2, ["memory"] = 4, ["gpu"] = 0, ["max_storage"] = 10, ["default"] = true };
        var pool = new JsonObject { ["name"] = Pool, ["public"] = true, ["kind"] = "nodes", ["queues"] = new JsonArray("day", "night"), ["classes"] = new JsonArray(size) };
        await Server.Client.SendJsonAsync(HttpMethod.Post, "api/data/resource_pools", pool, Ct);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Server.DisposeAsync();
    }

    protected static StartRequest Request(string name) => new(Image: $"image-{name}", Name: name, PoolName: Pool);

    protected async Task<string> StartAsync(string name, string? queue = null, int? priority = null) =>
        (await Server.Client.StartSessionAsync(Request(name) with { Queue = queue, Priority = priority }, Ct)).Session.Id;

    protected async Task StopAsync(string session)
    {
        await Server.Client.StopSessionAsync(session, deleteWork: false, Ct);
        await Server.UntilAsync(session, "ended");
    }

    private protected Task<FakeNode> JoinAsync(string name, double cpu, string[]? queues = null, NodeGpu[]? gpus = null, long disk = 1024) => FakeNode.JoinAsync(
        Server, name, Admin, offer: new NodeOffer { Queues = queues ?? ["day"] },
        facts: new NodeFacts { Engine = "Docker 1", Cpu = cpu, MemoryBytes = 256L << 30, DiskFreeBytes = disk << 30, Gpus = gpus ?? [] });

    private protected static Task TakenAsync(FakeNode node, params string[] sessions) => Eventually.TrueAsync(
        () => node.Compute.Keys.Select(k => k.SessionId).Order().SequenceEqual(sessions.Order()), $"{node.Joined.Name} has exactly these");

    protected async Task<SessionView> ViewAsync(string session) => await Server.Client.GetSessionAsync(session, Ct);

    protected async Task<SessionExtra> WaitsAsync(string session, int? position, bool any = false)
    {
        SessionView? view = null;
        await Eventually.TrueAsync(
            async () => (view = await ViewAsync(session)).Berth.Line is { Reason: not null } line && (any || line.Position == position),
            () => $"it waits at {position}, it is {view?.Berth.Status}: {view?.Status.Message}");
        return view!.Berth;
    }

    protected async Task<SimulatedAgent> AgentAsync(string session)
    {
        var key = new SessionKey(session, 1);
        var agent = await SimulatedAgent.ConnectAsync(new ServerDialer(Server.Address, Server.Service<AgentTokens>().Issue(key)), key, Ct);
        await agent.SayAsync(new AgentReport("ready", null, true, null, []), Ct);
        return agent;
    }

    protected async Task<Caller> CallerAsync(string name)
    {
        var made = await Server.Client.SendJsonAsync(HttpMethod.Post, "api/data/users", new JsonObject { ["username"] = name }, Ct);
        return new Caller(made.GetProperty("id").GetString()!, name, false, CallerKind.Browser, null);
    }

    protected async Task<ApiClient> UserAsync(string name)
    {
        var token = await Server.Service<ApiTokens>().CreateAsync(await CallerAsync(name), new TokenRequest("test"), Ct);
        return ApiClient.ForServer(new Uri(Server.Address), token.Secret);
    }
}
