using System.Diagnostics.CodeAnalysis;
using Berth.Core.Ids;
using Berth.Server.Options;

namespace Berth.Server.Proxy;

/// <summary>
/// Which host names are sessions' own origins. Everything under the pattern's domain belongs to sessions, well-formed or
/// not, so that such a host never reaches the server's own routes.
/// </summary>
public sealed class SessionHosts
{
    private const string Placeholder = "{session}";
    private const int IdLength = 26;
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
    /// Reads the session's id, upper case, from a host (without port). A name with <c>--</c> is refused: it is kept for
    /// origins of further ports, <c>{port}--{session}</c>.
    /// </summary>
    public bool TryParse(ReadOnlySpan<char> host, [NotNullWhen(true)] out string? sessionId)
    {
        sessionId = null;
        if (!Owns(host))
            return false;
        var name = host[_before.Length..^_after.Length];
        if (name.Length != IdLength)
            return false;
        var id = name.ToString().ToUpperInvariant();
        if (!Ulid.IsValid(id))
            return false;
        sessionId = id;
        return true;
    }

    /// <summary>All hosts of sessions, as content security policies write it: a star for the first label.</summary>
    public string Wildcard => "*" + _after[_after.IndexOf('.', StringComparison.Ordinal)..];

    /// <summary>The host of a session.</summary>
    public string HostOf(string sessionId) => string.Concat(_before, sessionId.ToLowerInvariant(), _after);
}
