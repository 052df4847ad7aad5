using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Berth.Contracts.Agents;
using Berth.Contracts.Nodes;

namespace Berth.Tunnel;

/// <summary>Opens an agent's WebSockets to its server: over the session's Unix socket, or over HTTPS.</summary>
public sealed class ServerDialer : IDisposable
{
    private const string UnixScheme = "unix:";
    private static readonly TimeSpan s_pingEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_lastRetryHere = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_lastRetry = TimeSpan.FromSeconds(6);
    private readonly TimeSpan _answersWithin;
    private readonly string _token;
    private readonly string? _socketPath;
    private readonly Uri? _server;
    private readonly Lazy<HttpMessageInvoker> _http;

    /// <param name="server"><c>unix:/path</c> or <c>https://host[:port]</c>; there by way of a proxy where <c>HTTPS_PROXY</c> says so.</param>
    /// <param name="token">The agent's.</param>
    /// <param name="authorities">PEM file of the certificate authorities to trust, and no others; null: the system's.</param>
    /// <param name="answersWithin">How long the server may take to answer; null: 30 s.</param>
    public ServerDialer(string server, string token, string? authorities = null, TimeSpan? answersWithin = null)
    {
        _token = token;
        _answersWithin = answersWithin ?? TimeSpan.FromSeconds(30);
        _http = new(() => new(Handler(authorities)));
        if (server.StartsWith(UnixScheme, StringComparison.Ordinal))
            _socketPath = server[UnixScheme.Length..];
        else
            _server = new UriBuilder(server) { Scheme = server.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ? "wss" : "ws" }.Uri;
    }

    /// <summary>Opens one.</summary>
    /// <param name="route">Of <see cref="AgentRoutes"/>.</param>
    /// <param name="connection">Name of the control connection; see <see cref="AgentRoutes.ConnectionHeader"/>.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="WebSocketException">The server is not there, does not answer, or refuses.</exception>
    /// <exception cref="NodeUnknownException">The server says that no node has this token.</exception>
    public async Task<WebSocket> ConnectAsync(string route, string connection, CancellationToken ct)
    {
        KeyValuePair<string, string>[] headers = [new("Authorization", $"Bearer {_token}"), new(AgentRoutes.ConnectionHeader, connection)];
        // Pings begin with the answer: until then nothing else tells of a server, or of a proxy, that went dead.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_answersWithin);
        try
        {
            return await (_socketPath is not null
                ? UnixWebSocket.ConnectAsync(_socketPath, route, headers, limit.Token)
                : ConnectAsync(new Uri(_server!, route), headers, limit.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException && limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new WebSocketException(WebSocketError.Faulted, $"The server did not answer within {_answersWithin.TotalSeconds:0.#} s.", e);
        }
    }

    /// <summary>
    /// Pauses between attempts. A socket on this machine costs nothing to ask; a server far away must not be stormed after
    /// its restart, and thousands that ask once in six seconds each, at moments of their own, are no storm.
    /// </summary>
    public Backoff Backoff(TimeProvider time) => new(s_firstRetry, _socketPath is null ? s_lastRetry : s_lastRetryHere, time);

    public void Dispose()
    {
        if (_http.IsValueCreated)
            _http.Value.Dispose();
    }

    /// <summary>For connections to the server: no cookies, no traces, its authorities, and the proxy that the environment names.</summary>
    /// <param name="authorities">PEM file of the certificate authorities to trust, and no others; null: the system's.</param>
    public static SocketsHttpHandler Handler(string? authorities)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null };
        if (authorities is not null)
        {
            var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            trust.CustomTrustStore.ImportFromPemFile(authorities);
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust };
        }
        return handler;
    }

    private async Task<WebSocket> ConnectAsync(Uri address, KeyValuePair<string, string>[] headers, CancellationToken ct)
    {
        var socket = new ClientWebSocket();
        try
        {
            foreach (var (name, value) in headers)
                socket.Options.SetRequestHeader(name, value);
            // The network does not tell of a dead peer; pings do. On a stream an answer to one would stand behind what a slow
            // reader has not read yet, so none is asked for there: that the server died, the control connection tells.
            socket.Options.KeepAliveInterval = s_pingEvery;
            socket.Options.KeepAliveTimeout = address.AbsolutePath is AgentRoutes.Stream or NodeRoutes.Stream ? Timeout.InfiniteTimeSpan : s_pingEvery;
            socket.Options.CollectHttpResponseDetails = address.AbsolutePath is NodeRoutes.Control; // why it refuses
            await socket.ConnectAsync(address, _http.Value, ct);
            return socket;
        }
        catch (WebSocketException e) when (socket.HttpStatusCode == HttpStatusCode.Unauthorized && socket.HttpResponseHeaders?.ContainsKey(NodeRoutes.UnknownHeader) == true)
        {
            socket.Dispose();
            throw new NodeUnknownException($"{address.Authority} has no machine with this token.", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>The server itself, not something in between, says that no node has this token.</summary>
public sealed class NodeUnknownException(string message, Exception inner) : IOException(message, inner);
