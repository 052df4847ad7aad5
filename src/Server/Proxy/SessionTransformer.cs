using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Berth.Server.Proxy;

/// <summary>
/// What changes between visitor and app: Berth's cookies go, the front end's token comes, and the path stays byte for byte.
/// Host stays, for JupyterLab and others compare it with Origin.
/// </summary>
public sealed class SessionTransformer(Origins origins, bool behindProxy) : HttpTransformer
{
    /// <summary>Under this key of the request's items is the Authorization header for the app; null: none.</summary>
    public static readonly object AuthorizationKey = new();

    /// <summary>How Berth's own API tokens begin; one that was sent to a session by mistake does not reach its app.</summary>
    public const string OwnBearer = "Bearer berth_";

    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <inheritdoc/>
    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        var incoming = httpContext.Request;
        var outgoing = proxyRequest.Headers;

        // 1. The path as it was sent: decoding and encoding again would lose %2F and the like.
        var target = httpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target.StartsWith('/'))
            proxyRequest.RequestUri = new Uri(destinationPrefix + target, Verbatim);

        // 2. Cookies without Berth's.
        if (incoming.Headers.Cookie is { Count: > 0 } cookies)
        {
            var kept = CookieHeader.WithoutOwn(cookies);
            outgoing.Remove(HeaderNames.Cookie);
            if (kept.Length > 0)
                outgoing.TryAddWithoutValidation(HeaderNames.Cookie, kept);
        }

        // 3. The front end's token, unless the app has a sign-in of its own. It is for the front end alone.
        var authorization = incoming.Headers.Authorization;
        if (authorization.Count == 0 || authorization[0]!.StartsWith(OwnBearer, StringComparison.OrdinalIgnoreCase))
            Replace(outgoing, HeaderNames.Authorization, (string?)httpContext.Items[AuthorizationKey]);

        // 4. Who asked, and by which address: not what the visitor claims, but what a proxy of this machine does, if there is one.
        var from = httpContext.Connection.RemoteIpAddress;
        outgoing.Remove("Forwarded");
        if (!behindProxy || from is null || !IPAddress.IsLoopback(from) || incoming.Headers["X-Forwarded-For"].Count == 0)
            Replace(outgoing, "X-Forwarded-For", from?.ToString() ?? "unknown");
        Replace(outgoing, "X-Forwarded-Proto", origins.Scheme);
        Replace(outgoing, "X-Forwarded-Host", incoming.Host.Value ?? "");
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        var forward = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        if (httpContext.Response.Headers.SetCookie is { Count: > 0 } cookies && cookies.Any(c => CookieHeader.IsOwn(c)))
            httpContext.Response.Headers.SetCookie = new StringValues([.. cookies.Where(c => !CookieHeader.IsOwn(c))]);

        // Only its own pages may frame it: those of another session, same-site where both are under one domain, could lay it under theirs.
        if (proxyResponse is { StatusCode: not HttpStatusCode.SwitchingProtocols })
            httpContext.Response.Headers.Append(HeaderNames.ContentSecurityPolicy, "frame-ancestors 'self'");

        // The forwarder sends the headers with the first bytes of the body. Where those may be long in coming (an event stream),
        // the headers go ahead: the visitor's script waits for them.
        if (proxyResponse is { Content.Headers.ContentLength: null, StatusCode: not HttpStatusCode.SwitchingProtocols } && forward)
            await httpContext.Response.Body.FlushAsync(cancellationToken);
        return forward;
    }

    private static void Replace(HttpRequestHeaders headers, string name, string? value)
    {
        headers.Remove(name);
        if (value is not null)
            headers.TryAddWithoutValidation(name, value);
    }
}
