using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using Berth.Contracts.Agents;
using Berth.Contracts.Json;
using Berth.Fakes;

namespace Berth.Server.Tests.Agents;

/// <summary>Processes of a session have its agent's token and its socket: what they can do to the server with them.</summary>
public sealed class HostileAgentTests : IAsyncLifetime
{
    private const string A = "01JZZZZZZZZZZZZZZZZZZZZZZA";
    private const int MostConnections = 544;
    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch);
    private AgentServer _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await AgentServer.StartAsync(time: _clock);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task WhoeverDoesNotSayWhoItIsIsCut()
    {
        using var dialer = _server.Dialer(_server.Expect(A));
        using var silent = await dialer.ConnectAsync(AgentRoutes.Control, "silent", Ct);
        var cut = CutAsync(silent);
        await Eventually.TrueAsync(
            () =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return cut.IsCompleted;
            },
            "it is cut");
        await cut;
    }

    [Fact]
    public async Task NoMoreThanAFewAreWaitedForToSayWhoTheyAre()
    {
        var key = _server.Expect(A);
        using var dialer = _server.Dialer(key);
        var silent = new List<WebSocket>();
        for (var i = 0; i < 8; i++)
            silent.Add(await dialer.ConnectAsync(AgentRoutes.Control, $"silent{i}", Ct));
        // The end may come together with the answer.
        await Assert.ThrowsAnyAsync<WebSocketException>(async () =>
        {
            using var ninth = await dialer.ConnectAsync(AgentRoutes.Control, "silent9", Ct);
            await ninth.ReceiveAsync(new byte[1].AsMemory(), Ct);
        });
        silent.ForEach(socket => socket.Abort());
        // Others come when these have gone.
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);
                    return true;
                }
                catch (Exception e) when (e is WebSocketException or NullReferenceException)
                {
                    return false;
                }
            },
            "the agent is taken in");
        silent.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task AnEarlierStartThatHeldItsTongueDoesNotTakeTheLaterOnesPlace()
    {
        using var dialer = _server.Dialer(_server.Expect(A));
        using var old = await dialer.ConnectAsync(AgentRoutes.Control, "old", Ct);
        var key = _server.Expect(A, generation: 2);
        await using var agent = await SimulatedAgent.ConnectAsync(_server, key, Ct);

        var hello = JsonSerializer.SerializeToUtf8Bytes<AgentMessage>(new AgentHello(A, 1, "test", 0, 0, true), AgentJson.Default.AgentMessage);
        await old.SendAsync(hello.AsMemory(), WebSocketMessageType.Text, true, Ct);
        await CutAsync(old);
        Assert.False(agent.Cut.Task.IsCompleted);
        await agent.SayAsync(new AgentReport("running", null, true, null, []), Ct);
        await Eventually.TrueAsync(() => _server.Hub.LastReport(key)?.Ready == true, "the later one is heard");
    }

    [Fact]
    public async Task ConnectionsToASessionsSocketAreBounded()
    {
        _server.Expect(A);
        var open = new List<Socket>();
        try
        {
            for (var i = 0; i < MostConnections; i++)
                open.Add(await ConnectAsync());
            using var tooMany = await ConnectAsync();
            Assert.Equal(0, await tooMany.ReceiveAsync(new byte[1], Ct));
        }
        finally
        {
            open.ForEach(socket => socket.Dispose());
        }
        await Eventually.TrueAsync(
            async () =>
            {
                using var another = await ConnectAsync();
                try
                {
                    await another.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Ct);
                    return await another.ReceiveAsync(new byte[1], Ct) == 1;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            "others come when these have gone");
    }

    private async Task<Socket> ConnectAsync()
    {
        while (true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(_server.SocketOf(A)), Ct);
                return socket;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                // Many wait to be accepted.
                socket.Dispose();
                await Task.Yield();
            }
        }
    }

    private static async Task CutAsync(WebSocket socket)
    {
        try
        {
            var heard = await socket.ReceiveAsync(new byte[1].AsMemory(), Ct);
            Assert.NotEqual(WebSocketMessageType.Text, heard.MessageType);
        }
        catch (WebSocketException)
        {
            // Cut without a word.
        }
    }
}
