using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Contracts.Agents;
using Berth.Tunnel;

namespace Berth.Node;

/// <summary>
/// Passes connections of sessions' agents on to the server over HTTPS, and nothing but those: a WebSocket's handshake to
/// one of the two routes of agents, with a token of the session whose socket it came through. The token is the agent's own;
/// the node adds nothing to it. After the handshake bytes are copied as they are.
/// </summary>
internal sealed class AgentRelay : IDisposable
{
    private const int LongestHead = 8 * 1024;
    private static readonly TimeSpan s_headWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_drainWithin = TimeSpan.FromSeconds(2);
    private static readonly string[] s_passed = ["Authorization", AgentRoutes.ConnectionHeader, "Sec-WebSocket-Key", "Sec-WebSocket-Version"];

    private readonly Uri _server;
    private readonly HttpMessageInvoker _http;
    private readonly Lock _lock = new();
    private CancellationTokenSource _open = new();

    public AgentRelay(string server, string? authorities)
    {
        _server = new Uri(server);
        var handler = ServerDialer.Handler(authorities);
        handler.AllowAutoRedirect = false;
        handler.ConnectTimeout = s_answerWithin;
        _http = new HttpMessageInvoker(handler);
    }

    /// <summary>
    /// Ends all connections: the line to the server is dead. Agents on this machine's sockets send no pings, so they would
    /// not find out by themselves.
    /// </summary>
    public void CutAll()
    {
        CancellationTokenSource cut;
        lock (_lock)
            (cut, _open) = (_open, new CancellationTokenSource());
        cut.Cancel();
        cut.Dispose();
    }

    /// <summary>Serves one connection to its end. Never throws.</summary>
    public async Task ServeAsync(string sessionId, Socket agent, CancellationToken ct)
    {
        CancellationToken open;
        lock (_lock)
            open = _open.Token;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct, open);
        using (agent)
        {
            try
            {
                if (await HeadAsync(agent, over.Token) is not { } head)
                    return;
                if (Refusal(head, sessionId) is { } status)
                    await AnswerAsync(agent, status, over.Token);
                else
                    await PassAsync(agent, head, over);
            }
            catch (Exception e) when (e is IOException or SocketException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
            {
                // Cut, or the server is not there: the agent tries again.
            }
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _open.Dispose();
    }

    private async Task PassAsync(Socket agent, Head head, CancellationTokenSource over)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server, head.Path)) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", "websocket");
        foreach (var name in s_passed)
            request.Headers.TryAddWithoutValidation(name, head.Headers.GetValueOrDefault(name));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(over.Token);
        limit.CancelAfter(s_answerWithin);
        using var answer = await _http.SendAsync(request, limit.Token);
        if (answer.StatusCode != HttpStatusCode.SwitchingProtocols)
        {
            await AnswerAsync(agent, answer.StatusCode, over.Token);
            return;
        }

        var accept = answer.Headers.TryGetValues("Sec-WebSocket-Accept", out var values) ? values.First() : "";
        await using var server = await answer.Content.ReadAsStreamAsync(over.Token);
        await using var here = new NetworkStream(agent, ownsSocket: false);
        await here.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"), over.Token);
        await CopyBothWaysAsync(here, server, over);
    }

    /// <summary>The end of either direction is the end of the connection, as of a WebSocket's; what was said before it is delivered.</summary>
    private static async Task CopyBothWaysAsync(NetworkStream here, Stream server, CancellationTokenSource over)
    {
        var up = Splice.CopyAsync(here, server, null, over.Token);
        var down = Splice.CopyAsync(server, here, null, over.Token);
        if (await Task.WhenAny(up, down) == up && up.IsCompletedSuccessfully)
            over.CancelAfter(s_drainWithin); // The server answers a farewell.
        else
            await over.CancelAsync();
        await Task.WhenAll(up, down);
    }

    /// <returns>Null: it is passed on.</returns>
    private static HttpStatusCode? Refusal(Head head, string sessionId)
    {
        if (head.Method != "GET" || head.Path is not (AgentRoutes.Control or AgentRoutes.Stream))
            return HttpStatusCode.NotFound;
        if (!string.Equals(head.Headers.GetValueOrDefault("Upgrade"), "websocket", StringComparison.OrdinalIgnoreCase))
            return HttpStatusCode.BadRequest;
        // Tokens begin with their session's id: who comes through a session's socket speaks for no other.
        return head.Headers.GetValueOrDefault("Authorization")?.StartsWith($"Bearer {sessionId}.", StringComparison.OrdinalIgnoreCase) is true
            ? null
            : HttpStatusCode.Unauthorized;
    }

    private static async Task AnswerAsync(Socket agent, HttpStatusCode status, CancellationToken ct) =>
        await agent.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {(int)status} {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), ct);

    /// <summary>Reads a request's head; null: it is none. Nothing follows it before it is answered.</summary>
    private static async Task<Head?> HeadAsync(Socket agent, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_headWithin);
        var bytes = new byte[LongestHead];
        for (var filled = 0; filled < bytes.Length;)
        {
            var count = await agent.ReceiveAsync(bytes.AsMemory(filled), limit.Token);
            if (count == 0)
                return null;
            filled += count;
            if (bytes.AsSpan(0, filled).EndsWith("\r\n\r\n"u8))
                return Head.Read(Encoding.ASCII.GetString(bytes, 0, filled));
        }

        return null;
    }

    private sealed record Head(string Method, string Path, IReadOnlyDictionary<string, string> Headers)
    {
        public static Head? Read(string text)
        {
            var lines = text.Split("\r\n");
            if (lines[0].Split(' ') is not [var method, var path, "HTTP/1.1"])
                return null;
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (var line in lines.Skip(1).TakeWhile(l => l.Length > 0))
            {
                if (line.Split(':', 2) is not [var name, var value] || !headers.TryAdd(name, value.Trim()))
                    return null; // Not a header, or one twice: two readers might read it two ways.
            }

            return new Head(method, path, headers);
        }
    }
}
