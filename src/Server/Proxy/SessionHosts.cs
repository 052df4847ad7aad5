using System.Globalization;
using Berth.Server.Options;

namespace Berth.Server.Proxy;

/// <summary>
/// Which host names are sessions' own origins. Everything under the pattern's domain belongs to sessions, well-formed or
/// not, so that such a host never reaches the server's own routes.
/// </summary>
public sealed class SessionHosts
{
    private const string Placeholder = "{session}";
    private const string Divider = "--";
    private readonly string _before;
    private readonly string _after;
    private readonly string? _publicHost;

    /// <summary>Reads the pattern from the options.</summary>
    public SessionHosts(ServerOptions options)
    {
        var pattern = options.SessionHost;
        var at = pattern.IndexOf(Placeholder, StringComparison.Ordinal);
        if (at < 0 || at != pattern.LastIndexOf(Placeholder, StringComparison.Ordinal) || pattern.IndexOf('.', StringComparison.Ordinal) < at)
            throw new ArgumentException($"session_host has to be a host name that begins with {Placeholder}, such as {Placeholder}.localhost; it is “{pattern}”.", nameof(options));
        _before = pattern[..at];
        _after = pattern[(at + Placeholder.Length)..];
        _publicHost = options.PublicUrl?.Host;
    }

    /// <summary>Whether a host (without port) is for sessions: whether or not there is such a session.</summary>
    public bool Owns(ReadOnlySpan<char> host) =>
        host.Length > _before.Length + _after.Length
        && host.StartsWith(_before, StringComparison.OrdinalIgnoreCase)
        && host.EndsWith(_after, StringComparison.OrdinalIgnoreCase)
        && !host.Equals(_publicHost, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Reads which origin a host (without port) is: in the place of the pattern's <c>{session}</c> stands the session's id, for
    /// a further port <c>PORT--SESSION</c>.
    /// </summary>
    public bool TryParse(ReadOnlySpan<char> host, out SessionOrigin origin)
    {
        origin = default;
        if (!Owns(host))
            return false;
        var name = host[_before.Length..^_after.Length];
        int? port = null;
        if (name.IndexOf(Divider, StringComparison.Ordinal) is >= 0 and var at)
        {
            if (!SessionOrigin.TryReadPort(name[..at], out var read))
                return false;
            port = read;
            name = name[(at + Divider.Length)..];
        }

        if (SessionOrigin.ReadId(name) is not { } id)
            return false;
        origin = new SessionOrigin(id, port);
        return true;
    }

    /// <summary>All hosts of sessions, as content security policies write it: a star for the first label.</summary>
    public string Wildcard => "*" + _after[_after.IndexOf('.', StringComparison.Ordinal)..];

    /// <summary>The host of an origin.</summary>
    public string HostOf(SessionOrigin origin)
    {
        var id = origin.SessionId.ToLowerInvariant();
        return string.Concat(_before, origin.Port is { } port ? port.ToString(CultureInfo.InvariantCulture) + Divider + id : id, _after);
    }
}
