using System.Globalization;
using Berth.Core.Sessions;

namespace Berth.Providers.Processes;

/// <summary>
/// What one process may have, by prlimit(1): memory, and how many processes and threads there may be. The kernel counts those
/// of a user: all of them before 5.14, then those in the user namespace that bubblewrap made. So the limit is that many more
/// than the user has at the start.
/// </summary>
internal static class ProcessLimits
{
    public const string Program = "prlimit";

    /// <param name="resources">What the session may have.</param>
    /// <param name="processes">How many processes and threads.</param>
    /// <param name="memory">Whether the memory of each is limited; what limits the session as a whole does without.</param>
    public static IEnumerable<string> Command(SessionResources resources, int processes, bool memory) =>
    [
        Program, "--core=0", $"--nproc={Math.Min(Tasks() + processes, Hard("Max processes"))}",
        .. memory ? (string[])[$"--data={Math.Min(Math.Max(resources.MemoryBytes, 1024), Hard("Max data size"))}"] : [],
    ];

    /// <summary>Limits that may not be raised any more (proc(5)): "Max processes  soft  hard  processes".</summary>
    private static long Hard(string name)
    {
        var line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.TryParse(line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], NumberStyles.None, CultureInfo.InvariantCulture, out var hard) ? hard : long.MaxValue;
    }

    /// <summary>Processes and threads of whoever runs this program.</summary>
    private static long Tasks()
    {
        var own = Words("self", "Uid:");
        return Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => char.IsAsciiDigit(name![0]) && Words(name, "Uid:") is { } user && user == own)
            .Sum(name => long.TryParse(Words(name!, "Threads:"), NumberStyles.None, CultureInfo.InvariantCulture, out var threads) ? threads : 0);
    }

    /// <returns>The first word after a name in what the kernel says of a process; null: it has ended.</returns>
    private static string? Words(string process, string name)
    {
        try
        {
            return File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split('\t')[1];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
