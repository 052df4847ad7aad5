using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Yarp.ReverseProxy.Forwarder;

namespace Berth.Server.Proxy;

/// <summary>
/// Sends a request on to a session's front end. Connections are kept alive in a pool for each start of a session: its id and
/// generation are the authority that the HTTP client knows, and never a name that is looked up.
/// </summary>
public sealed class SessionForwarder : IDisposable
{
    // Nothing is too long for a person's work: a long poll, a silent WebSocket, an hour's upload. What is dead is found by
    // the tunnel's pings and by TCP, and what was revoked is cut by LiveConnections.
    private static readonly ForwarderRequestConfig Config = new()
    {
        ActivityTimeout = Timeout.InfiniteTimeSpan,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        AllowResponseBuffering = false,
    };

    private readonly IHttpForwarder _forwarder;
    private readonly SessionDirectory _directory;
    private readonly SessionDialer _dialer;
    private readonly Neighbours _neighbours;
    private readonly SessionTransformer _transformer;
    private readonly HttpMessageInvoker _client;
    private readonly ConditionalWeakTable<SessionRoute, Target> _targets = [];

    // What is the same for all requests of one route, made once.
    private sealed record Target(string Prefix, string? Authorization);

    /// <summary>One client for all sessions.</summary>
    public SessionForwarder(
        IHttpForwarder forwarder, SessionDirectory directory, SessionDialer dialer, Neighbours neighbours, Origins origins,
        ServerOptions options)
    {
        (_forwarder, _directory, _dialer, _neighbours) = (forwarder, directory, dialer, neighbours);
        _transformer = new SessionTransformer(origins, behindProxy: options.PublicUrl is not null);
        _client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = DialAsync,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            // A request's trace is the visitor's, not ours.
            ActivityHeadersPropagator = null,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            // Kestrel reads request headers as UTF-8 and is told to write response headers as Latin-1: bytes pass unchanged.
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        });
    }

    /// <summary>
    /// Forwards to the front end, or to a further port, and answers with the response. An error that came before any response
    /// leaves it to the caller.
    /// </summary>
    public ValueTask<ForwarderError> SendAsync(HttpContext context, SessionRoute route, int? port, CancellationToken cut)
    {
        var target = port is { } further ? new Target(PrefixOf(route, further), Authorization: null) : _targets.GetValue(route, FrontEnd);
        context.Items[SessionTransformer.AuthorizationKey] = target.Authorization;
        return _forwarder.SendAsync(context, target.Prefix, _client, Config, _transformer, cut);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private Target FrontEnd(SessionRoute route) => new(PrefixOf(route, route.Port), $"token {_neighbours.FrontEndToken(route.Id)}");

    private static string PrefixOf(SessionRoute route, int port) => $"http://{route.Id.ToLowerInvariant()}-{route.Generation}:{port}";

    private async ValueTask<Stream> DialAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var dash = host.IndexOf('-', StringComparison.Ordinal);
        if (!_directory.TryGet(host[..dash], out var route) || !host.AsSpan(dash + 1).SequenceEqual(route.Generation.ToString()))
            throw new IOException($"Start {host[(dash + 1)..]} of session {host[..dash]} is over.");
        return await _dialer.DialAsync(route, port, ct);
    }
}
