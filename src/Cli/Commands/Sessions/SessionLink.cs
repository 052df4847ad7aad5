using Berth.Cli.Servers;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

/// <summary>The link that opens a session in a browser.</summary>
internal static class SessionLink
{
    /// <summary>
    /// On this machine's own server the link signs the browser in as well, once and for ten minutes: whoever may use the
    /// server's socket may do that. Elsewhere it is the session's plain link, and the browser signs in as it always does.
    /// </summary>
    public static async Task<string> ForAsync(Server server, SessionView session, CancellationToken ct, int? port = null)
    {
        var query = port is null ? null : $"?port={port}";
        if (!server.IsLocal)
            return session.Url + query;
        var link = await server.Client.CreateSignInLinkAsync(ct);
        return $"{link.Url}&next={Uri.EscapeDataString($"/sessions/{session.Id}/open{query}")}";
    }
}
