using System.Globalization;

namespace Berth.Cli.Reach;

/// <summary>Ports to forward: <c>3000</c>, <c>9990-9999</c>, <c>8000:8080</c>, <c>8000-8009:9000-9009</c>.</summary>
/// <param name="Local">The first local port.</param>
/// <param name="Remote">The first port of the session.</param>
/// <param name="Count">How many.</param>
/// <param name="IsExact">The local ports were said: others will not do.</param>
internal sealed record PortRange(int Local, int Remote, int Count, bool IsExact)
{
    /// <summary>Whether a word can only be meant as ports.</summary>
    public static bool IsMeant(string word) => word.Length > 0 && char.IsAsciiDigit(word[0]) && word.All(c => char.IsAsciiDigit(c) || c is '-' or ':');

    /// <exception cref="CliException">It is none.</exception>
    public static PortRange Parse(string word)
    {
        var parts = word.Split(':');
        if (parts.Length > 2 || !TryRange(parts[^1], out var remote) || !TryRange(parts[0], out var local))
            throw CliException.Usage($"'{word}' names no ports. Write 3000, a range such as 9990-9999, or local:session such as 8000:8080; ports are numbers from 1 to 65535.");
        if (local.Count != remote.Count)
            throw CliException.Usage($"'{word}' names {local.Count} local ports for {remote.Count} of the session: both sides need as many.");
        return new PortRange(local.First, remote.First, remote.Count, parts.Length == 2);
    }

    /// <summary>Its pairs.</summary>
    public IEnumerable<(int Local, int Remote)> Pairs => Enumerable.Range(0, Count).Select(n => (Local + n, Remote + n));

    private static bool TryRange(string text, out (int First, int Count) range)
    {
        var ends = text.Split('-');
        range = default;
        if (ends.Length > 2 || !TryPort(ends[0], out var first) || !TryPort(ends[^1], out var last) || last < first)
            return false;
        range = (first, last - first + 1);
        return true;
    }

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;
}
