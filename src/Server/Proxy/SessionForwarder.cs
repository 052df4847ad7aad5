using System.Globalization;
using System.Net;
using System.Text;
using Berth.Server.Connections;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Yarp.ReverseProxy.Forwarder;

namespace Berth.Server.Proxy;

/// <summary>
/// Sends a request on to a session's front end. Connections are kept alive in a pool for each visit to a start of a session:
/// its id, its generation and the visit are the authority that the HTTP client knows, and never a name that is looked up.
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
    private readonly Visits _visits;
    private readonly Places _places;

    /// <summary>One client for all sessions.</summary>
    public SessionForwarder(
        IHttpForwarder forwarder, SessionDirectory directory, SessionDialer dialer, Neighbours neighbours, Visits visits,
        Origins origins, ServerOptions options)
    {
        (_forwarder, _directory, _dialer, _neighbours, _visits) = (forwarder, directory, dialer, neighbours, visits);
        _places = new Places(options.BrowserConnectionsPerSession);
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
    /// Forwards to where the visit is, the front end or a further port, and answers with the response. An error that came before any response
    /// leaves it to the caller.
    /// </summary>
    public ValueTask<ForwarderError> SendAsync(HttpContext context, SessionRoute route, Visit visit, CancellationToken cut)
    {
        var target = visit.Target is { } known && ReferenceEquals(known.Route, route) ? known : visit.Target = TargetOf(route, visit);
        context.Items[SessionTransformer.AuthorizationKey] = target.Authorization;
        return _forwarder.SendAsync(context, target.Prefix, _client, Config, _transformer, cut);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    // A further port's app is not told the front end's token.
    private VisitTarget TargetOf(SessionRoute route, Visit visit) => new(
        route, $"http://{route.Id.ToLowerInvariant()}-{route.Generation}-{visit.Name}:{visit.Origin.Port ?? route.Port}",
        visit.Origin.Port is null ? $"token {_neighbours.FrontEndToken(route.Id)}" : null);

    private async ValueTask<Stream> DialAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var (host, port) = (context.DnsEndPoint.Host.Split('-'), context.DnsEndPoint.Port);
        if (host is not [var session, var generation, var visit])
            throw new IOException($"No session is at '{context.DnsEndPoint.Host}'.");
        if (!_directory.TryGet(session, out var route) || generation != route.Generation.ToString(CultureInfo.InvariantCulture))
            throw new IOException($"Start {generation} of session {session} is over.");
        var visitor = _visits.Require(visit);
        var place = _places.Take(route.Id) ?? throw new TooManyConnectionsException(route.Id);
        try
        {
            return visitor.Take(_neighbours.Pace(route.Id, await _dialer.DialAsync(route, port, ct)), place);
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }
}
