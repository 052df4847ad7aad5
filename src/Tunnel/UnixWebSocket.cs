using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Tunnel;

/// <summary>
/// A WebSocket over a Unix socket, its handshake spoken here: what <see cref="ClientWebSocket"/> brings along for HTTPS,
/// proxies and redirects costs a third of an agent's start, and a session's own socket has none of them.
/// </summary>
internal static class UnixWebSocket
{
    private const int LongestAnswer = 4096;

    /// <exception cref="WebSocketException">Nobody listens, or the server refuses.</exception>
    public static async Task<WebSocket> ConnectAsync(string path, string route, IEnumerable<KeyValuePair<string, string>> headers, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
            await AskAsync(socket, route, headers, ct);
            await HearAsync(socket, ct);
            return WebSocket.CreateFromStream(new NetworkStream(socket, ownsSocket: true), new WebSocketCreationOptions());
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new WebSocketException(WebSocketError.Faulted, "The server's socket does not answer.", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task AskAsync(Socket socket, string route, IEnumerable<KeyValuePair<string, string>> headers, CancellationToken ct)
    {
        var request = new StringBuilder($"GET {route} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        request.Append($"Sec-WebSocket-Key: {Convert.ToBase64String(RandomNumberGenerator.GetBytes(16))}\r\n");
        foreach (var (name, value) in headers)
            request.Append($"{name}: {value}\r\n");
        for (ReadOnlyMemory<byte> rest = Encoding.ASCII.GetBytes(request.Append("\r\n").ToString()); rest.Length > 0;)
            rest = rest[await socket.SendAsync(rest, ct)..];
    }

    // The key's echo is not checked: it tells a WebSocket server from a cache that answers for one, and nothing is between.
    private static async Task HearAsync(Socket socket, CancellationToken ct)
    {
        var answer = new byte[LongestAnswer];
        var filled = 0;
        while (answer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) < 0)
        {
            // Looked at before it is taken: what follows the answer is the WebSocket's.
            var seen = await socket.ReceiveAsync(answer.AsMemory(filled), SocketFlags.Peek, ct);
            var end = answer.AsSpan(0, filled + seen).IndexOf("\r\n\r\n"u8);
            var taken = end < 0 ? seen : end + 4 - filled;
            if (taken == 0)
                throw new WebSocketException(WebSocketError.Faulted, "The server ended the connection, or answered with more than an answer.");
            filled += await socket.ReceiveAsync(answer.AsMemory(filled, taken), ct);
        }
        // As ClientWebSocket says it.
        if (Encoding.ASCII.GetString(answer, 0, answer.AsSpan().IndexOf("\r\n"u8)).Split(' ') is not [_, "101", ..] and var line)
            throw new WebSocketException(WebSocketError.NotAWebSocket, $"The server's answer was '{line.ElementAtOrDefault(1)}', where '101' was expected.");
    }
}
