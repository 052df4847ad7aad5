using System.Buffers.Binary;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Berth.Tunnel.Polling;

namespace Berth.Tunnel;

/// <summary>
/// A WebSocket over a Unix socket, its handshake spoken here: what <see cref="ClientWebSocket"/> brings along for HTTPS,
/// proxies and redirects costs a third of an agent's start, and a session's own socket has none of them.
/// </summary>
internal sealed class UnixWebSocket : WebSocket
{
    private const int LongestAnswer = 4096;
    private const int LongHead = 14;
    private readonly PolledSocket _below;
    private readonly WebSocket _spoken;
    private readonly Lazy<KernelPipe?> _pipe = new(KernelPipe.TryOpen);

    private UnixWebSocket(PolledSocket below)
    {
        _below = below;
        _spoken = CreateFromStream(below, new WebSocketCreationOptions());
    }

    /// <inheritdoc cref="PolledSocket.GoesOnAtOnce"/>
    public bool GoesOnAtOnce { set => _below.GoesOnAtOnce = value; }

    public override WebSocketCloseStatus? CloseStatus => _spoken.CloseStatus;
    public override string? CloseStatusDescription => _spoken.CloseStatusDescription;
    public override WebSocketState State => _spoken.State;
    public override string? SubProtocol => _spoken.SubProtocol;

    /// <exception cref="WebSocketException">Nobody listens, or the server refuses.</exception>
    public static async Task<WebSocket> ConnectAsync(string path, string route, IEnumerable<KeyValuePair<string, string>> headers, CancellationToken ct)
    {
        PolledSocket? below = null;
        try
        {
            below = await PolledSocket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
            await below.WriteAsync(Request(route, headers), ct);
            await HearAsync(below, ct);
            return new UnixWebSocket(below);
        }
        catch (Exception e)
        {
            below?.Dispose();
            if (e is SocketException or IOException)
                throw new WebSocketException(WebSocketError.Faulted, "The server's socket does not answer.", e);
            throw;
        }
    }

    public override ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) => _spoken.ReceiveAsync(buffer, cancellationToken);
    public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) => _spoken.ReceiveAsync(buffer, cancellationToken);
    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        _spoken.SendAsync(buffer, messageType, endOfMessage, cancellationToken);
    public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        _spoken.SendAsync(buffer, messageType, endOfMessage, cancellationToken);
    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => _spoken.CloseAsync(closeStatus, statusDescription, cancellationToken);
    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => _spoken.CloseOutputAsync(closeStatus, statusDescription, cancellationToken);
    public override void Abort() => _spoken.Abort();

    public override void Dispose()
    {
        _spoken.Dispose();
        if (_pipe.IsValueCreated)
            _pipe.Value?.Dispose();
    }

    /// <summary>
    /// Sends what another socket has received as one message, without copying it. As with <see cref="SendAsync(ReadOnlyMemory{byte}, WebSocketMessageType, bool, CancellationToken)"/>
    /// one sends at a time; answers to pings wait until it is sent.
    /// </summary>
    /// <returns>False: it cannot be done here, and nothing was sent.</returns>
    /// <exception cref="WebSocketException">One of the two failed. This one is aborted: the message has no end.</exception>
    public async ValueTask<bool> TryMoveAsync(PolledSocket from, int count, CancellationToken ct)
    {
        if (_pipe.Value is not { } pipe)
            return false;
        try
        {
            await _below.MoveAsync(Head(count), from, count, pipe, ct);
            return true;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            Abort();
            throw new WebSocketException(WebSocketError.Faulted, "A message broke off.", e);
        }
        catch (OperationCanceledException)
        {
            // Nothing may follow a part of a message.
            Abort();
            throw;
        }
    }

    // Of a whole binary message. Its key masks nothing: between two ends of ours, on a socket of this machine, nobody can be
    // fooled by bytes that look like something else.
    private static byte[] Head(int count)
    {
        var head = new byte[LongHead];
        head[0] = 0x80 | 0x2;
        head[1] = 0x80 | 127;
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(2), count);
        return head;
    }

    private static byte[] Request(string route, IEnumerable<KeyValuePair<string, string>> headers)
    {
        var request = new StringBuilder($"GET {route} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        request.Append($"Sec-WebSocket-Key: {Convert.ToBase64String(RandomNumberGenerator.GetBytes(16))}\r\n");
        foreach (var (name, value) in headers)
            request.Append($"{name}: {value}\r\n");
        return Encoding.ASCII.GetBytes(request.Append("\r\n").ToString());
    }

    // The key's echo is not checked: it tells a WebSocket server from a cache that answers for one, and nothing is between.
    private static async Task HearAsync(PolledSocket socket, CancellationToken ct)
    {
        var answer = new byte[LongestAnswer];
        var (filled, end) = (0, -1);
        while (end < 0)
        {
            var count = filled == answer.Length ? 0 : await socket.ReadAsync(answer.AsMemory(filled), ct);
            if (count == 0)
                throw new WebSocketException(WebSocketError.Faulted, "The server ended the connection, or answered with more than an answer.");
            filled += count;
            end = answer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
        }
        // As ClientWebSocket says it.
        if (Encoding.ASCII.GetString(answer, 0, answer.AsSpan().IndexOf("\r\n"u8)).Split(' ') is not [_, "101", ..] and var line)
            throw new WebSocketException(WebSocketError.NotAWebSocket, $"The server's answer was '{line.ElementAtOrDefault(1)}', where '101' was expected.");
        // What follows the answer is the WebSocket's.
        socket.GiveBack(answer.AsSpan((end + 4)..filled));
    }
}
