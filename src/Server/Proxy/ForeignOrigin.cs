namespace Berth.Server.Proxy;

/// <summary>
/// Keeps other sites, and other sessions, from acting on a session through its visitor's browser. An app cannot be relied
/// upon for it: the proxy proves the visitor to it with a token, and JupyterLab, for one, takes a token for proof that no
/// browser was misled.
/// </summary>
public static class ForeignOrigin
{
    /// <summary>Whether a browser says that a request comes from a page of another origin. Links and redirects may.</summary>
    public static bool Sent(HttpRequest request)
    {
        // 1. WebSockets, posted forms and requests that ask for CORS name their origin.
        if (request.Headers.Origin is [{ Length: > 0 } origin])
            return !IsOwn(origin, request.Host);

        // 2. What does not (an image, a script) is told apart by its site. Programs that are no browsers send neither.
        return request.Headers["Sec-Fetch-Site"] is ["cross-site" or "same-site"]
            && request.Headers["Sec-Fetch-Mode"] is not ["navigate"];
    }

    // The scheme is not compared: TLS may have been ended before.
    private static bool IsOwn(string origin, HostString host)
    {
        var at = origin.IndexOf("://", StringComparison.Ordinal);
        return at > 0 && origin.AsSpan(at + 3).Equals(host.Value, StringComparison.OrdinalIgnoreCase);
    }
}
