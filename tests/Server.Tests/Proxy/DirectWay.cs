using Berth.Server.Sessions;

namespace Berth.Server.Tests.Proxy;

/// <summary>By connecting to the session's own address.</summary>
public sealed class DirectWay : IWay
{
    public Task<ProxyServer> StartServerAsync(string folder) => ProxyServer.StartAsync(folder);

    public Task<SessionRoute> AddSessionAsync(ProxyServer server, App app) => Task.FromResult(server.AddSession(app.Port));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

public sealed class DirectForwardingTests() : ForwardingTests(new DirectWay());

public sealed class DirectWebSocketTests() : WebSocketTests(new DirectWay());
