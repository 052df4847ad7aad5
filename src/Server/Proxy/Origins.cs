using Berth.Server.Options;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Berth.Server.Proxy;

/// <summary>The addresses that browsers use: the server's own origin and those of sessions. No trailing slash.</summary>
public sealed class Origins(ServerOptions options, SessionHosts hosts, IServer server)
{
    private readonly Lazy<Uri> _public = new(() => options.PublicUrl ?? new Uri($"http://localhost:{ListeningPort(options, server)}"));

    /// <summary>Of the server's pages and API.</summary>
    public string Public => _public.Value.GetLeftPart(UriPartial.Authority);

    /// <summary>Whether browsers speak TLS, be it ended here or before.</summary>
    public bool IsSecure => _public.Value.Scheme == Uri.UriSchemeHttps;

    /// <summary>Scheme that browsers use.</summary>
    public string Scheme => _public.Value.Scheme;

    /// <summary>Of one session.</summary>
    public string Of(string sessionId) =>
        _public.Value.IsDefaultPort
            ? $"{_public.Value.Scheme}://{hosts.HostOf(sessionId)}"
            : $"{_public.Value.Scheme}://{hosts.HostOf(sessionId)}:{_public.Value.Port}";

    // Port 0 means a free one, which is known once the server listens.
    private static int ListeningPort(ServerOptions options, IServer server)
    {
        if (options.Port != 0)
            return options.Port;
        var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var tcp = addresses.FirstOrDefault(a => a.StartsWith("http", StringComparison.Ordinal) && !a.Contains("unix:", StringComparison.Ordinal));
        return tcp is null ? throw new InvalidOperationException("The server's port is not known before it listens.") : new Uri(tcp).Port;
    }
}
