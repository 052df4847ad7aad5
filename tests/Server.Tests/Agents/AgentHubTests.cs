using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Berth.Contracts.Agents;
using Berth.Fakes;
using Berth.Tunnel;

namespace Berth.Server.Tests.Agents;

public sealed class AgentHubTests : IAsyncLifetime
{
    private const string A = "01JZZZZZZZZZZZZZZZZZZZZZZA";
    private const string B = "01JZZZZZZZZZZZZZZZZZZZZZZB";
    private AgentServer _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await AgentServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task AReportReachesWhoListensAndIsKept()
    {
        var key = _server.Expect(A);
        var heard = new TaskCompletionSource<(string, int, AgentReport)>();
        _server.Hub.Reported += (session, generation, report) => heard.TrySetResult((session, generation, report));
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);

        var report = new AgentReport("starting", "waiting for an answer on port 8888", false, null, []);
        await agent.SayAsync(report, Ct);

        var (sessionId, gen, said) = await heard.Task.WaitAsync(Ct);
        Assert.Equal((A, 1, "waiting for an answer on port 8888"), (sessionId, gen, said.Detail));
        Assert.Equal("starting", _server.Hub.LastReport(key)?.Stage);
        Assert.Null(_server.Hub.LastReport(key with { Generation = 2 }));
    }

    [Fact]
    public async Task PortsThatAreListenedOnAreKnownAndPagesAreTold()
    {
        var key = _server.Expect(A);
        using var page = _server.Changes.Listen(AgentServer.Owner);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        Assert.Null(_server.Hub.Ports(key));

        await agent.SayAsync(new AgentPorts([8501, 0, -1, 70000, 9000]), Ct);
        await foreach (var change in page.ReadAllAsync(Ct))
        {
            Assert.Equal(("session", A), (change.Kind, change.Id));
            break;
        }
        Assert.Equal([8501, 9000], _server.Hub.Ports(key));
        Assert.Null(_server.Hub.Ports(key with { Generation = 2 }));
        _server.Hub.Forget(A);
        Assert.Null(_server.Hub.Ports(key));
    }

    [Fact]
    public async Task BytesGoBothWaysAndEachWayEndsByItself()
    {
        var key = _server.Expect(A);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();

        await using var stream = (TunnelStream)await _server.Hub.DialAsync(A, ((IPEndPoint)listener.LocalEndpoint).Port, Ct);
        using var app = await listener.AcceptTcpClientAsync(Ct);
        await using var inside = app.GetStream();

        await stream.WriteAsync("question"u8.ToArray(), Ct);
        await stream.CompleteWritesAsync(Ct);
        Assert.Equal("question", await new StreamReader(inside).ReadToEndAsync(Ct));

        await inside.WriteAsync("answer"u8.ToArray(), Ct);
        app.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal("answer", await new StreamReader(stream).ReadToEndAsync(Ct));
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Ct));
    }

    [Fact]
    public async Task NobodyOnThePortIsARefusalAndNotALostAgent()
    {
        var key = _server.Expect(A);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        var refused = await Assert.ThrowsAsync<DialRefusedException>(() => DialAndReadAsync(FreePort()));
        Assert.Equal(DialStatus.Refused, refused.Status);
    }

    [Fact]
    public async Task ManyDialsAtOnceAllConnect()
    {
        var key = _server.Expect(A);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(200);
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var echo = EchoAsync(listener);

        await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            await using var stream = (TunnelStream)await _server.Hub.DialAsync(A, port, Ct);
            var sent = Encoding.UTF8.GetBytes(string.Join(',', Enumerable.Repeat(i, 1000)));
            await stream.WriteAsync(sent, Ct);
            await stream.CompleteWritesAsync(Ct);
            using var back = new MemoryStream();
            await stream.CopyToAsync(back, Ct);
            Assert.Equal(sent, back.ToArray());
        }));
        listener.Stop();
        await echo;
    }

    [Fact]
    public async Task AResetInsideIsNotTakenForTheEnd()
    {
        var key = _server.Expect(A);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var stream = await _server.Hub.DialAsync(A, ((IPEndPoint)listener.LocalEndpoint).Port, Ct);
        using (var app = await listener.AcceptTcpClientAsync(Ct))
            app.LingerState = new LingerOption(true, 0);
        await Assert.ThrowsAnyAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1], Ct).AsTask());
    }

    [Fact]
    public async Task WhatWasWrittenBeforeADisposeIsDelivered()
    {
        var key = _server.Expect(A);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var stream = await _server.Hub.DialAsync(A, ((IPEndPoint)listener.LocalEndpoint).Port, Ct);
        using var app = await listener.AcceptTcpClientAsync(Ct);
        await stream.WriteAsync(new byte[300_000], Ct);
        var closing = stream.DisposeAsync();
        using var all = new MemoryStream();
        await app.GetStream().CopyToAsync(all, Ct);
        await closing;
        Assert.Equal(300_000, all.Length);
    }

    [Fact]
    public async Task ASlowReaderHoldsUpItsWriterAndNobodyElse()
    {
        var key = _server.Expect(A);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        await using var stalled = await _server.Hub.DialAsync(A, port, Ct);
        using var unread = await listener.AcceptTcpClientAsync(Ct);
        using var limit = new CancellationTokenSource();
        long written = 0;
        var writing = Task.Run(async () =>
        {
            var block = new byte[64 * 1024];
            while (written < 1L << 30)
            {
                await stalled.WriteAsync(block, limit.Token);
                Interlocked.Add(ref written, block.Length);
            }
        }, Ct);
        // Others go on all the while, and after nothing more can be written there.
        await using var lively = await _server.Hub.DialAsync(A, port, Ct);
        using var other = await listener.AcceptTcpClientAsync(Ct);
        long before;
        do
        {
            before = Interlocked.Read(ref written);
            for (var i = 0; i < 100; i++)
            {
                await lively.WriteAsync("x"u8.ToArray(), Ct);
                Assert.Equal(1, await other.GetStream().ReadAsync(new byte[1], Ct));
            }
        }
        while (before == 0 || Interlocked.Read(ref written) != before);
        Assert.InRange(before, 1, 64L << 20);
        Assert.False(writing.IsCompleted);

        await limit.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => writing);
    }

    [Fact]
    public async Task AnAgentThatIsCutFailsItsStreamsAtOnce()
    {
        var key = _server.Expect(A);
        var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var stream = await _server.Hub.DialAsync(A, ((IPEndPoint)listener.LocalEndpoint).Port, Ct);
        await agent.DisposeAsync();
        await Assert.ThrowsAnyAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1], Ct).AsTask());
        await Eventually.TrueAsync(() => !_server.Hub.IsConnected(A), "the agent is gone");
        await Assert.ThrowsAsync<AgentNotConnectedException>(() => _server.Hub.DialAsync(A, 80, Ct));
    }

    [Fact]
    public async Task ADialWaitsForAnAgentThatIsOnItsWay()
    {
        var key = _server.Expect(A);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var dial = _server.Hub.DialAsync(A, ((IPEndPoint)listener.LocalEndpoint).Port, Ct);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        await using var stream = await dial;
        Assert.NotNull(stream);
    }

    [Fact]
    public async Task ASessionNobodyKnowsIsNotWaitedFor() =>
        await Assert.ThrowsAsync<AgentNotConnectedException>(() => _server.Hub.DialAsync(B, 80, Ct));

    [Fact]
    public async Task ANewConnectionTakesThePlaceOfTheEarlierOne()
    {
        var key = _server.Expect(A);
        await using var first = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        await using var second = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        await first.Cut.Task.WaitAsync(Ct);
        Assert.True(_server.Hub.IsConnected(A));
        await Assert.ThrowsAsync<DialRefusedException>(() => DialAndReadAsync(FreePort()));
    }

    [Fact]
    public async Task LogBytesAreKeptOnceAndTheNextConnectionIsAskedForTheRest()
    {
        var key = _server.Expect(A);
        await using (var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct))
        {
            await agent.LogAsync(0, "one\n"u8.ToArray(), Ct);
            await agent.LogAsync(0, "one\ntwo\n"u8.ToArray(), Ct);
            await Eventually.TrueAsync(() => _server.Logs.End(key) == 8, "both lines arrived");
        }
        await using var again = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        Assert.Equal(8, again.Welcome.LogOffset);
        Assert.Equal("one\ntwo\n", Encoding.UTF8.GetString(_server.Logs.ReadTail(key, 100)));
    }

    [Fact]
    public async Task ARestartedServerTakesTheSocketsOver()
    {
        var key = _server.Expect(A);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
        await _server.StopAsync().WaitAsync(TimeSpan.FromSeconds(5), Ct);
        await agent.Cut.Task.WaitAsync(Ct);

        await using var next = await AgentServer.StartAsync(_server.DataFolder);
        next.Expect(A);
        await using var back = await SimulatedAgent.ConnectAsync(next, key, Ct);
        await Eventually.TrueAsync(() => next.Hub.IsConnected(A), "it is back");
    }

    [Fact]
    public async Task AnotherSessionsTokenIsRefused()
    {
        var a = _server.Expect(A);
        var b = _server.Expect(B);
        using var dialer = _server.Dialer(a, token: _server.Tokens.Issue(b));
        await RefusedAsync(dialer, HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("01JZZZZZZZZZZZZZZZZZZZZZZA.1.AAAA")]
    public async Task AForgedTokenIsRefused(string token)
    {
        using var dialer = _server.Dialer(_server.Expect(A), token);
        await RefusedAsync(dialer, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task AnEarlierStartOfTheSessionIsRefused()
    {
        var old = _server.Expect(A);
        _server.Expect(A, generation: 2);
        using var dialer = _server.Dialer(old);
        await RefusedAsync(dialer, HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task AnAgentsSocketServesNothingButItsRoutesAndNobodyElseServesThem()
    {
        _server.Expect(A);
        Assert.Equal(HttpStatusCode.NotFound, await GetAsync(_server.SocketOf(A), "/public"));
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(_server.SocketOf(A), AgentRoutes.Control));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(_server.PublicSocket, "/public"));
        Assert.Equal(HttpStatusCode.NotFound, await GetAsync(_server.PublicSocket, AgentRoutes.Control));
    }

    [Fact]
    public void AClosedSessionLeavesNoSocket()
    {
        _server.Expect(A);
        Assert.True(File.Exists(_server.SocketOf(A)));
        _server.Sockets.Close(A);
        Assert.False(File.Exists(_server.SocketOf(A)));
        _server.Sockets.Close(A);
    }

    private static async Task RefusedAsync(ServerDialer dialer, HttpStatusCode status)
    {
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => dialer.ConnectAsync(AgentRoutes.Control, "x", Ct));
        Assert.Contains($"'{(int)status}'", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> GetAsync(string socketPath, string path)
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler);
        using var answer = await http.GetAsync(new Uri($"http://localhost{path}"), Ct);
        return answer.StatusCode;
    }

    private async Task DialAndReadAsync(int port)
    {
        await using var stream = await _server.Hub.DialAsync(A, port, Ct);
        await stream.ReadExactlyAsync(new byte[1], Ct);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task EchoAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(Ct);
                _ = Task.Run(async () =>
                {
                    using (client)
                    {
                        await client.GetStream().CopyToAsync(client.GetStream(), Ct);
                        client.Client.Shutdown(SocketShutdown.Send);
                    }
                }, Ct);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }
}
