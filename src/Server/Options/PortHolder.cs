using System.Globalization;

namespace Berth.Server.Options;

/// <summary>Finds out who listens on a port, as far as the system tells.</summary>
internal static class PortHolder
{
    private const string Listening = "0A";
    private static readonly string[] Tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>Such as " (nginx, process 123)"; empty where it cannot be told.</summary>
    public static string Describe(int port)
    {
        try
        {
            var inodes = Tables.Where(File.Exists).SelectMany(f => File.ReadLines(f).Skip(1))
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                // proc(5): sl local_address rem_address st … inode, the port in hexadecimal behind the last colon.
                .Where(c => c.Length > 9 && c[3] == Listening && int.Parse(c[1].Split(':')[^1], NumberStyles.HexNumber, CultureInfo.InvariantCulture) == port)
                .Select(c => $"socket:[{c[9]}]").ToHashSet(StringComparer.Ordinal);
            foreach (var process in Directory.EnumerateDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)))
            {
                if (Holds(process, inodes))
                    return $" ({File.ReadAllText(Path.Combine(process, "comm")).Trim()}, process {Path.GetFileName(process)})";
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return "";
        }

        return "";
    }

    private static bool Holds(string process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles(Path.Combine(process, "fd")).Any(fd => new FileInfo(fd).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another user's process, or one that has just ended.
            return false;
        }
    }
}
