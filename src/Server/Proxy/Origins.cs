using Berth.Server.Options;

namespace Berth.Server.Proxy;

/// <summary>The addresses that browsers use: the server's own origin and those of sessions. No trailing slash.</summary>
public sealed class Origins(PublicAddress address, SessionHosts hosts)
{
    /// <summary>Of the server's pages and API.</summary>
    public string Public => address.Origin;

    /// <summary>Whether browsers speak TLS, be it ended here or before.</summary>
    public bool IsSecure => address.IsSecure;

    /// <summary>Scheme that browsers use.</summary>
    public string Scheme => address.Url.Scheme;

    /// <summary>Of one session's front end.</summary>
    public string Of(string sessionId) => Of(new SessionOrigin(sessionId));

    /// <summary>Of a session's front end or further port.</summary>
    public string Of(SessionOrigin origin) => OriginAt(hosts.HostOf(origin));

    /// <summary>Of all sessions, as content security policies write it.</summary>
    public string OfSessions => OriginAt(hosts.Wildcard);

    /// <summary>The link to it on the server's own origin, which signs the browser in there.</summary>
    public string LinkTo(SessionOrigin origin) =>
        $"{Public}/sessions/{origin.SessionId}/open{(origin.Port is { } port ? $"?port={port}" : null)}";

    private string OriginAt(string host) =>
        address.Url.IsDefaultPort ? $"{Scheme}://{host}" : $"{Scheme}://{host}:{address.Url.Port}";
}
