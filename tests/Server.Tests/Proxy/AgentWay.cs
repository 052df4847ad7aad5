using Berth.Core.Sessions;
using Berth.Server.Agents;
using Berth.Server.Sessions;
using Berth.Server.Tests.Agents;
using Berth.Tunnel;

namespace Berth.Server.Tests.Proxy;

/// <summary>Through the tunnel that an agent holds open, on the session's own socket.</summary>
public sealed class AgentWay : IWay
{
    private SimulatedAgent? _agent;

    public Task<ProxyServer> StartServerAsync(string folder) => ProxyServer.StartAsync(folder);

    public async Task<SessionRoute> AddSessionAsync(ProxyServer server, App app)
    {
        var route = server.AddSession(app.Port, reach: Reach.Agent);
        var key = new SessionKey(route.Id, route.Generation);
        var sockets = server.Get<AgentSockets>();
        sockets.Open(route.Id);
        var dialer = new ServerDialer($"unix:{Path.Combine(sockets.Folder(route.Id), "agent.sock")}", server.Get<AgentTokens>().Issue(key));
        _agent = await SimulatedAgent.ConnectAsync(dialer, key, TestContext.Current.CancellationToken);
        return route;
    }

    public ValueTask DisposeAsync() => _agent?.DisposeAsync() ?? ValueTask.CompletedTask;
}

public sealed class AgentForwardingTests() : ForwardingTests(new AgentWay());

public sealed class AgentWebSocketTests() : WebSocketTests(new AgentWay());
