using System.Text;
using Microsoft.Extensions.Primitives;

namespace Berth.Server.Proxy;

/// <summary>Reads and rewrites Cookie and Set-Cookie headers in place: the framework's collections cost a dictionary a request.</summary>
public static class CookieHeader
{
    /// <summary>Finds a cookie of a request; its value as sent.</summary>
    public static bool TryFind(HttpRequest request, string name, out ReadOnlySpan<char> value)
    {
        foreach (var header in request.Headers.Cookie)
        {
            var rest = header.AsSpan();
            while (!rest.IsEmpty)
            {
                var pair = Next(ref rest);
                if (pair.Length > name.Length && pair[name.Length] == '=' && pair.StartsWith(name, StringComparison.Ordinal))
                {
                    value = pair[(name.Length + 1)..];
                    return true;
                }
            }
        }

        value = default;
        return false;
    }

    /// <summary>The Cookie header without Berth's own; empty where nothing is left.</summary>
    public static string WithoutOwn(StringValues headers)
    {
        // Most often Berth's cookies are the only ones, or there are none of them.
        if (headers.Count == 1 && headers[0] is { } only && !only.Contains(GateCookies.Prefix, StringComparison.Ordinal))
            return only;
        StringBuilder? kept = null;
        foreach (var header in headers)
        {
            var rest = header.AsSpan();
            while (!rest.IsEmpty)
            {
                var pair = Next(ref rest);
                if (pair.IsEmpty || IsOwn(pair))
                    continue;
                kept = kept is null ? new StringBuilder() : kept.Append("; ");
                kept.Append(pair);
            }
        }

        return kept?.ToString() ?? "";
    }

    /// <summary>Whether a cookie (<c>name=value…</c>) has a name that is Berth's.</summary>
    public static bool IsOwn(ReadOnlySpan<char> pair) =>
        pair.StartsWith(GateCookies.Prefix, StringComparison.OrdinalIgnoreCase)
        || pair.StartsWith(GateCookies.SecurePrefix, StringComparison.OrdinalIgnoreCase);

    private static ReadOnlySpan<char> Next(scoped ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOf(';');
        var pair = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return pair.Trim();
    }
}
