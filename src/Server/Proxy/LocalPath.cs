namespace Berth.Server.Proxy;

/// <summary>
/// Paths that a redirect may lead to: on the same origin whatever a browser makes of them. Browsers read <c>//host</c> and
/// <c>/\host</c> as another host, and drop tabs and line breaks.
/// </summary>
public static class LocalPath
{
    /// <summary>Whether a text is a path (with query) in the form of a request line, on the same origin.</summary>
    public static bool IsValid(string? path)
    {
        if (path is not ['/', ..] || path.Length > 4096 || path is ['/', '/', ..])
            return false;
        foreach (var c in path)
        {
            if (c is <= ' ' or >= '\x7f' or '\\' or '#' or '"' or '<' or '>')
                return false;
        }

        return true;
    }
}
