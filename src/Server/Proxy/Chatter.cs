namespace Berth.Server.Proxy;

/// <summary>
/// Which requests are somebody's doing. Asking (GET) is not: pages ask for ever. Of the others, some are sent by a page that
/// nobody touches. Measured on an idle JupyterLab: docs/decisions tells.
/// </summary>
public static class Chatter
{
    /// <summary>Whether a request is input.</summary>
    public static bool IsInput(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsOptions(request.Method)
        && !SentByItself(request.Path.Value.AsSpan(), request.QueryString.Value.AsSpan());

    private static bool SentByItself(ReadOnlySpan<char> path, ReadOnlySpan<char> query) =>
        // JupyterLab saves how its panels lie, and makes sure that its kernels live when it connects again.
        path.Contains("/lab/api/workspaces/", StringComparison.Ordinal)
        // RStudio waits for its events with POST; Socket.IO without WebSockets polls so, too.
        || path.EndsWith("/events/get_events", StringComparison.Ordinal)
        || query.Contains("transport=polling", StringComparison.Ordinal);
}
