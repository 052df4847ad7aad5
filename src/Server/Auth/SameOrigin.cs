using Berth.Server.Options;

namespace Berth.Server.Auth;

/// <summary>
/// Keeps pages of other origins, sessions' own among them, from acting in the name of who looks at them. Cookies alone do
/// not: a session's origin is same-site with the server's.
/// </summary>
public sealed class SameOrigin(PublicAddress address)
{
    public bool Allows(HttpContext context, Caller? caller)
    {
        var request = context.Request;
        var safe = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method);
        // A WebSocket is opened by GET, and browsers let any page open one.
        if (safe && !context.WebSockets.IsWebSocketRequest && !request.Headers.Upgrade.ToString().Contains("websocket", StringComparison.OrdinalIgnoreCase))
            return true;
        if (caller is { Kind: not CallerKind.Browser })
            return true;

        var site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site.Length > 0)
            return site is "same-origin" or "none";
        var origin = request.Headers.Origin.ToString();
        if (origin.Length > 0)
            return origin == address.Origin || origin == $"{address.Url.Scheme}://{request.Host}";
        // No browser sends neither. Without a cookie there is nothing to abuse.
        return caller is null;
    }
}
