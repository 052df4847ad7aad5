using System.Text.Json.Nodes;
using Berth.Contracts.Agents;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Nodes;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Sessions;
using Berth.Tunnel;

namespace Berth.Server.Tests.Nodes;

/// <summary>A server with a pool of machines, which a test lets join.</summary>
public abstract class NodeTest(NodeLimits? limits = null, TimeSpan? pingEvery = null) : IAsyncLifetime
{
    protected const string Pool = "Lab machines";

    protected SessionServer Server { get; private set; } = null!;

    protected Caller Admin { get; private set; } = null!;

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected virtual Task<string?> DatabaseUrlAsync() => Task.FromResult<string?>(null);

    public virtual async ValueTask InitializeAsync()
    {
        Server = await SessionServer.StartAsync(await DatabaseUrlAsync(), limits: limits, pingEvery: pingEvery);
        var owner = await Server.Client.WhoAmIAsync(Ct);
        Admin = new Caller(owner.Id, owner.Username, true, CallerKind.Browser, null);
        var size = new JsonObject { ["name"] = "standard", ["cpu"] = 2, ["memory"] = 4, ["gpu"] = 0, ["max_storage"] = 10, ["default"] = true };
        await Server.Client.SendJsonAsync(HttpMethod.Post, "api/data/resource_pools", new JsonObject { ["name"] = Pool, ["public"] = true, ["kind"] = "nodes", ["classes"] = new JsonArray(size) }, Ct);
    }

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Server.DisposeAsync();
    }

    protected async Task<string> StartAsync(string name = "a") =>
        (await Server.Client.StartSessionAsync(new StartRequest(Image: $"image-{name}", Name: name, PoolName: Pool), Ct)).Session.Id;

    /// <summary>Starts one and brings it to Running.</summary>
    private protected async Task<(string Session, SimulatedAgent Agent)> RunningAsync(FakeNode node, string name = "a")
    {
        var session = await StartAsync(name);
        await Eventually.TrueAsync(() => node.Compute.Keys.Any(k => k.SessionId == session), "the machine has it");
        var agent = await AgentAsync(Server, session);
        await Server.UntilAsync(session, "running");
        return (session, agent);
    }

    /// <summary>An agent on another machine that says it is ready: it comes over the network, by its token.</summary>
    private protected static async Task<SimulatedAgent> AgentAsync(SessionServer server, string session)
    {
        var key = new SessionKey(session, 1);
        var agent = await SimulatedAgent.ConnectAsync(new ServerDialer(server.Address, server.Service<AgentTokens>().Issue(key)), key, Ct);
        await agent.SayAsync(new AgentReport("ready", null, true, null, []), Ct);
        return agent;
    }
}
