using System.Net.Sockets;
using System.Net.WebSockets;
using Berth.Contracts.Agents;

namespace Berth.Tunnel;

/// <summary>Opens an agent's WebSockets to its server: over the session's Unix socket, or over HTTPS.</summary>
public sealed class ServerDialer : IDisposable
{
    private const string UnixScheme = "unix:";
    private readonly HttpMessageInvoker _http;
    private readonly Uri _server;
    private readonly string _token;
    private readonly bool _local;

    /// <param name="server"><c>unix:/path</c> or <c>https://host[:port]</c>.</param>
    /// <param name="token">The agent's.</param>
    public ServerDialer(string server, string token)
    {
        _token = token;
        _local = server.StartsWith(UnixScheme, StringComparison.Ordinal);
        var handler = new SocketsHttpHandler { UseCookies = false, ActivityHeadersPropagator = null };
        if (_local)
        {
            var path = server[UnixScheme.Length..];
            _server = new Uri("ws://localhost");
            handler.UseProxy = false;
            handler.ConnectCallback = (_, ct) => ConnectUnixAsync(path, ct);
        }
        else
        {
            _server = new UriBuilder(server) { Scheme = server.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ? "wss" : "ws" }.Uri;
        }
        _http = new HttpMessageInvoker(handler);
    }

    /// <summary>Opens one.</summary>
    /// <param name="route">Of <see cref="AgentRoutes"/>.</param>
    /// <param name="connection">Name of the control connection; see <see cref="AgentRoutes.ConnectionHeader"/>.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="WebSocketException">The server is not there, or refuses.</exception>
    public async Task<WebSocket> ConnectAsync(string route, string connection, CancellationToken ct)
    {
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.SetRequestHeader("Authorization", $"Bearer {_token}");
            socket.Options.SetRequestHeader(AgentRoutes.ConnectionHeader, connection);
            // Where the kernel does not tell of a dead peer, pings do.
            socket.Options.KeepAliveInterval = _local ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(10);
            socket.Options.KeepAliveTimeout = _local ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(10);
            await socket.ConnectAsync(new Uri(_server, route), _http, ct);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => _http.Dispose();

    private static async ValueTask<Stream> ConnectUnixAsync(string path, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
