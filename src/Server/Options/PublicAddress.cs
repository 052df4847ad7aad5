using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Berth.Server.Options;

/// <summary>The address that browsers use; known once the server listens, for port 0 means a free one.</summary>
public sealed class PublicAddress(ServerOptions options, IServer server)
{
    private readonly Lazy<Uri> _url = new(() => options.PublicUrl ?? new Uri($"{(options.Certificate is null ? "http" : "https")}://localhost:{ListeningPort(options, server)}"));

    public Uri Url => _url.Value;

    /// <summary>Scheme, host and port, without a slash at the end.</summary>
    public string Origin => Url.GetLeftPart(UriPartial.Authority);

    /// <summary>Whether browsers speak TLS, be it ended here or before.</summary>
    public bool IsSecure => Url.Scheme == Uri.UriSchemeHttps;

    private static int ListeningPort(ServerOptions options, IServer server)
    {
        if (options.Port != 0)
            return options.Port;
        var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var tcp = addresses.FirstOrDefault(a => a.StartsWith("http", StringComparison.Ordinal) && !a.Contains("unix:", StringComparison.Ordinal));
        return tcp is null ? throw new InvalidOperationException("The server's port is not known before it listens.") : new Uri(tcp).Port;
    }
}
