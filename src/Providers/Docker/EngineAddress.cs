using System.Net.Sockets;

namespace Berth.Providers.Docker;

/// <summary>Where an engine's API is: a Unix socket, or a TCP port without TLS.</summary>
internal sealed class EngineAddress
{
    private const string Scheme = "unix://";
    private readonly Uri? tcp;

    private EngineAddress(string? socketPath, Uri? tcp) => (SocketPath, this.tcp) = (socketPath, tcp);

    /// <summary>Null where it is a TCP port.</summary>
    public string? SocketPath { get; }

    /// <exception cref="FormatException">The text is no such address; the message says what is.</exception>
    public static EngineAddress Parse(string text)
    {
        if (text.StartsWith(Scheme, StringComparison.Ordinal) && text.Length > Scheme.Length && text[Scheme.Length] == '/')
            return new EngineAddress(text[Scheme.Length..], null);
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "tcp" or "http" && uri.Host.Length > 0)
            return new EngineAddress(null, uri);
        throw new FormatException("an engine's address reads unix:///path/to/socket or tcp://host:port");
    }

    public async ValueTask<Socket> ConnectAsync(CancellationToken ct)
    {
        var socket = tcp is null
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (tcp is null)
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath!), ct);
            else
                await socket.ConnectAsync(tcp.Host, tcp.IsDefaultPort || tcp.Port < 0 ? 2375 : tcp.Port, ct);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override string ToString() => tcp is null ? Scheme + SocketPath : $"tcp://{tcp.Authority}";
}
