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

    /// <summary>Of one session.</summary>
    public string Of(string sessionId) => address.Url.IsDefaultPort
        ? $"{Scheme}://{hosts.HostOf(sessionId)}"
        : $"{Scheme}://{hosts.HostOf(sessionId)}:{address.Url.Port}";
}
