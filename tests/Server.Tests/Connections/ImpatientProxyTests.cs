using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;
using Berth.Contracts.Users;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Live;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Nodes;
using Berth.Server.Tests.Sessions;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Server.Tests.Connections;

/// <summary>Behind a proxy that closes what is silent: everything that waits is heard of before.</summary>
public sealed class ImpatientProxyTests : IAsyncLifetime
{
    // As 15 s are to 60 s, with some more for a machine that has other things to do.
    private static readonly TimeSpan s_pings = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(3);
    private SessionServer _server = null!;
    private ImpatientProxy _proxy = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await SessionServer.StartAsync(pingEvery: s_pings);
        _proxy = new ImpatientProxy(new Uri(_server.Address).Port, s_limit);
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task ALineOnWhichNothingIsSaidIsClosed()
    {
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, _proxy.Port, Ct);
        Assert.Equal(0, await silent.GetStream().ReadAsync(new byte[1], Ct));
        Assert.Equal(1, _proxy.Closed);
    }

    [Fact]
    public async Task AMachineThatJoinedAndTheStreamsThatWaitForItAreNotClosed()
    {
        await using var node = await FakeNode.JoinAsync(_server, "lab1", await AdminAsync(), through: _proxy.Address);
        await Eventually.TrueAsync(() => _proxy.Lines > 4, "streams wait");
        await LivesOnAsync();
        Assert.Equal("ready", (await _server.Client.GetNodeAsync("lab1", Ct)).State);
    }

    [Fact]
    public async Task AnAgentOnAnotherMachineAndTheStreamsThatWaitForItAreNotClosed()
    {
        var size = new JsonObject { ["name"] = "standard", ["cpu"] = 2, ["memory"] = 4, ["gpu"] = 0, ["max_storage"] = 10, ["default"] = true };
        await _server.Client.SendJsonAsync(HttpMethod.Post, "api/data/resource_pools", new JsonObject { ["name"] = "Lab machines", ["public"] = true, ["kind"] = "nodes", ["classes"] = new JsonArray(size) }, Ct);
        await using var node = await FakeNode.JoinAsync(_server, "lab1", await AdminAsync());
        var (session, _) = await _server.Client.StartSessionAsync(new StartRequest(Image: "busybox", PoolName: "Lab machines"), Ct);
        await Eventually.TrueAsync(() => node.Compute.Keys.Count > 0, "the node has it");
        var key = new SessionKey(session.Id, 1);
        await using var agent = await SimulatedAgent.ConnectAsync(new ServerDialer(_proxy.Address, _server.Service<AgentTokens>().Issue(key)), key, Ct);

        // Who dials once has streams wait for the next ones.
        await (await _server.Service<AgentHub>().DialAsync(session.Id, ServiceRoutes.AgentPort, Ct)).DisposeAsync();
        await Eventually.TrueAsync(() => _proxy.Lines >= 17, "streams wait");
        await LivesOnAsync();
        Assert.True(_server.Service<AgentHub>().IsConnected(session.Id));
    }

    [Fact]
    public async Task ALivePageIsNotClosed()
    {
        using var client = await ClientAsync();
        var changes = (await client.ListenAsync(Ct)).GetAsyncEnumerator(Ct);
        await using (changes)
        {
            var heard = HearAsync();
            await LivesOnAsync();
            _server.Service<ChangeFeed>().Publish(new Change("pool", "told"), null);
            await heard.WaitAsync(TimeSpan.FromSeconds(10), Ct);
        }

        async Task HearAsync()
        {
            while (await changes.MoveNextAsync() && changes.Current.Id != "told")
            {
                // Of something else.
            }

            Assert.Equal("told", changes.Current.Id);
        }
    }

    [Fact]
    public async Task ALivePageEndsWithTheServerAndIsNoError()
    {
        using var client = await ClientAsync();
        var changes = (await client.ListenAsync(Ct)).GetAsyncEnumerator(Ct);
        await using (changes)
        {
            var ended = changes.MoveNextAsync().AsTask();
            await _server.RestartAsync();
            await ended.WaitAsync(TimeSpan.FromSeconds(10), Ct).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        Assert.DoesNotContain(_server.Log.Lines, line => line.Contains("unhandled exception", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AStreamOfACommandIsNotClosed()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        using var client = await ClientAsync();
        await using var stream = await ResumableClient.OpenAsync(
            async ct => new TunnelStream(await client.ConnectAsync(session.Id, ct)),
            JsonSerializer.SerializeToUtf8Bytes(new TcpRequest(1), ServiceJson.Default.ServiceRequest),
            new ResumableOptions { Pulse = TimeSpan.FromMinutes(1) },
            Ct);
        await LivesOnAsync();
        await stream.WriteAsync("there and back"u8.ToArray(), Ct);
        await stream.CompleteWritesAsync(Ct);
        Assert.Equal("there and back", await new StreamReader(stream).ReadToEndAsync(Ct));
    }

    private async Task LivesOnAsync()
    {
        await _proxy.OutliveAsync(3, Ct);
        Assert.Equal(0, _proxy.Closed);
    }

    private async Task<Caller> AdminAsync()
    {
        var owner = await _server.Client.WhoAmIAsync(Ct);
        return new Caller(owner.Id, owner.Username, true, CallerKind.Browser, null);
    }

    private async Task<ApiClient> ClientAsync()
    {
        var token = await _server.Service<ApiTokens>().CreateAsync(await AdminAsync(), new TokenRequest("test"), Ct);
        return ApiClient.ForServer(new Uri(_proxy.Address), token.Secret);
    }
}
