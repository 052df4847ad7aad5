using System.Globalization;

namespace Berth.Agent;

/// <summary>
/// Processor time that the session's processes have used, from <c>/proc</c> (proc(5)). A process that ended is counted in
/// its parent, so the sum over all that live misses nobody.
/// </summary>
internal static class CpuTime
{
    private const double TicksPerSecond = 100;

    /// <summary>Seconds since the session began. Where other people's processes are visible, only descendants count.</summary>
    public static double Read()
    {
        var all = new Dictionary<int, (int Parent, double Seconds)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && ReadProcess(folder) is { } process)
            {
                all[pid] = process;
            }
        }
        var self = Environment.ProcessId;
        return all.Keys.Where(pid => IsSession(pid)).Sum(pid => all[pid].Seconds);

        bool IsSession(int pid)
        {
            // Bounded, for the table was not read in one instant.
            for (var generation = 0; self != 1 && pid != self && generation < 1000; generation++)
            {
                if (!all.TryGetValue(pid, out var process))
                    return false;
                pid = process.Parent;
            }
            return self == 1 || pid == self;
        }
    }

    // "pid (name) state ppid …": the name may hold anything, so fields count from the last parenthesis.
    private static (int Parent, double Seconds)? ReadProcess(string folder)
    {
        try
        {
            var line = File.ReadAllText($"{folder}/stat");
            var fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
            // utime, stime, and those of children that were waited for: fields 14 to 17.
            var ticks = fields[11..15].Sum(field => double.Parse(field, CultureInfo.InvariantCulture));
            return (int.Parse(fields[1], CultureInfo.InvariantCulture), ticks / TicksPerSecond);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile.
            return null;
        }
    }
}
