using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using Berth.Tunnel.Polling;

namespace Berth.Tunnel.Tests.Polling;

/// <summary>What an app on this machine says, on its way to a server on this machine: the kernel moves it where it is much.</summary>
public sealed class MovedBytesTests : IAsyncLifetime
{
    private static readonly byte[] Ping = [0x89, 0];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-moved-");
    private UnixWebSocket _agent = null!;
    private Socket _serverSocket = null!;
    private WebSocket _server = null!;
    private PolledSocket _relayed = null!;
    private Socket _app = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var path = Path.Combine(_folder.FullName, "s");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var connecting = UnixWebSocket.ConnectAsync(path, "/", [], Ct);
        _serverSocket = await listener.AcceptAsync(Ct);
        await _serverSocket.ReceiveAsync(new byte[4096], Ct);
        await _serverSocket.SendAsync("HTTP/1.1 101 Switching Protocols\r\n\r\n"u8.ToArray(), Ct);
        _agent = (UnixWebSocket)await connecting;
        _server = WebSocket.CreateFromStream(new NetworkStream(_serverSocket), new WebSocketCreationOptions { IsServer = true });

        using var apps = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        apps.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        apps.Listen();
        _relayed = await PolledSocket.ConnectAsync(apps.LocalEndPoint!, Ct);
        _app = await apps.AcceptAsync(Ct);
    }

    public async ValueTask DisposeAsync()
    {
        _agent.Dispose();
        _server.Dispose();
        _serverSocket.Dispose();
        await _relayed.DisposeAsync();
        _app.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task AllComesWholeAndInOrderHoweverMuchIsThereAtATime()
    {
        var (running, over) = Relayed();
        using var _ = over;
        var sent = RandomNumberGenerator.GetBytes(48 << 20);
        var sending = Task.Run(SendAsync, Ct);

        var (heard, longest) = (new MemoryStream(sent.Length), 0L);
        var buffer = new byte[200_000];
        for (var message = 0L; ;)
        {
            var received = await _server.ReceiveAsync(buffer.AsMemory(0, Random.Shared.Next(1, buffer.Length)), Ct);
            if (received.MessageType == WebSocketMessageType.Close)
                break;
            heard.Write(buffer, 0, received.Count);
            longest = Math.Max(longest, message += received.Count);
            if (received.EndOfMessage)
                message = 0;
        }
        await sending;
        Assert.Equal(TunnelWire.Ended, _server.CloseStatus);
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(heard.ToArray()));
        // No copy is that long.
        Assert.InRange(longest, Splice.LargeBuffer + 1, sent.Length);

        await _server.CloseOutputAsync(TunnelWire.Ended, null, Ct);
        await running;

        // Much at once, then pieces of any size, some of which wait for the next.
        async Task SendAsync()
        {
            for (var at = 0; at < sent.Length;)
            {
                var most = at < sent.Length / 2 ? 4 << 20 : Random.Shared.Next(1, 200_000);
                at += await _app.SendAsync(sent.AsMemory(at, Math.Min(most, sent.Length - at)), Ct);
                if (at > sent.Length / 2 && Random.Shared.Next(20) == 0)
                    await Task.Yield();
            }
            _app.Shutdown(SocketShutdown.Send);
        }
    }

    [Fact]
    public async Task AnAnswerToAPingDoesNotGetIntoAMessage()
    {
        var (running, over) = Relayed();
        using var _ = over;
        var sent = RandomNumberGenerator.GetBytes(16 << 20);
        var sending = _app.SendAsync(sent, Ct);
        var heard = new MemoryStream(sent.Length);
        for (var buffer = new byte[100_000]; heard.Length < sent.Length;)
        {
            await _serverSocket.SendAsync(Ping, Ct);
            heard.Write(buffer, 0, (await _server.ReceiveAsync(buffer.AsMemory(), Ct)).Count);
        }
        await sending;
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(heard.ToArray()));
        await over.CancelAsync();
        await running;
    }

    [Fact]
    public async Task AServerThatGoesInTheMiddleEndsItAndTheAppHearsOfIt()
    {
        var (running, over) = Relayed();
        using var _ = over;
        var sending = SendAsync();
        for (var heard = 0; heard < 4 << 20;)
            heard += (await _server.ReceiveAsync(new byte[100_000].AsMemory(), Ct)).Count;
        _serverSocket.Dispose();
        await running;
        await Assert.ThrowsAsync<SocketException>(() => sending);

        async Task SendAsync()
        {
            while (true)
                await _app.SendAsync(new byte[1 << 20], Ct);
        }
    }

    [Fact]
    public async Task AnAppThatResetsInTheMiddleIsNotTakenForOneThatEnded()
    {
        var (running, over) = Relayed();
        using var _ = over;
        await _app.SendAsync(new byte[1 << 20], Ct);
        Assert.NotEqual(0, (await _server.ReceiveAsync(new byte[100_000].AsMemory(), Ct)).Count);
        _app.LingerState = new LingerOption(true, 0);
        _app.Dispose();
        try
        {
            while ((await _server.ReceiveAsync(new byte[100_000].AsMemory(), Ct)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (WebSocketException)
        {
            // The line may be cut before the reset is said.
        }
        Assert.NotEqual(TunnelWire.Ended, _server.CloseStatus);
        await running;
    }

    [Fact]
    public async Task AMessageThatCannotBeSentWholeIsNoMessage()
    {
        await _app.SendAsync(new byte[1000], Ct);
        _app.Dispose();
        Assert.Equal(1000, await _relayed.ReadableAsync(Ct));
        await Assert.ThrowsAsync<WebSocketException>(async () => await _agent.TryMoveAsync(_relayed, 2000, Ct));
        Assert.Equal(WebSocketState.Aborted, _agent.State);
        await Assert.ThrowsAsync<WebSocketException>(HearAsync);

        async Task HearAsync()
        {
            while (!(await _server.ReceiveAsync(new byte[5000].AsMemory(), Ct)).EndOfMessage)
            {
            }
        }
    }

    private (Task Running, CancellationTokenSource Over) Relayed()
    {
        var over = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        return (new Relay(_agent, _relayed, over).RunAsync(), over);
    }
}
