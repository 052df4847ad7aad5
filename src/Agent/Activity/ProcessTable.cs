using System.Globalization;

namespace Berth.Agent.Activity;

/// <summary>One process, from <c>/proc/PID/stat</c> (proc_pid_stat(5)).</summary>
/// <param name="Pid">Process id.</param>
/// <param name="Name">Of its program, at most 15 letters.</param>
/// <param name="Parent">Process id.</param>
/// <param name="Group">Process group.</param>
/// <param name="Session">Id of its leader: of a terminal's processes that is the shell, or what stands in its place.</param>
/// <param name="Terminal">Device number of its terminal; 0: none.</param>
/// <param name="Foreground">The process group that its terminal listens to.</param>
/// <param name="Seconds">Processor time, that of ended children included.</param>
internal sealed record SeenProcess(int Pid, string Name, int Parent, int Group, int Session, int Terminal, int Foreground, double Seconds);

/// <summary>
/// The processes of the session. Where other people's are visible, too, only descendants of this one count.
/// </summary>
internal static class ProcessTable
{
    private const double TicksPerSecond = 100;

    public static IReadOnlyList<SeenProcess> Read()
    {
        var all = new Dictionary<int, SeenProcess>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && ReadStat(folder) is { } line && Parse(pid, line) is { } process)
            {
                all[pid] = process;
            }
        }
        var self = Environment.ProcessId;
        return [.. all.Values.Where(process => IsOfSession(process))];

        bool IsOfSession(SeenProcess process)
        {
            // Bounded, for the table was not read in one instant.
            for (var generation = 0; self != 1 && process.Pid != self && generation < 1000; generation++)
            {
                if (!all.TryGetValue(process.Parent, out var parent))
                    return false;
                process = parent;
            }
            return self == 1 || process.Pid == self;
        }
    }

    /// <summary>Program and arguments; empty where the process has ended, or is another user's.</summary>
    public static string[] CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").TrimEnd('\0').Split('\0');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // "pid (name) state ppid …": the name may hold anything, so fields count from the last parenthesis.
    private static SeenProcess? Parse(int pid, string line)
    {
        var (open, close) = (line.IndexOf('('), line.LastIndexOf(')'));
        var fields = line[(close + 2)..].Split(' ');
        // utime, stime, and those of children that were waited for: fields 14 to 17.
        return fields.Length < 15 ? null : new SeenProcess(
            pid, line[(open + 1)..close], Number(1), Number(2), Number(3), Number(4), Number(5),
            fields[11..15].Sum(field => double.Parse(field, CultureInfo.InvariantCulture)) / TicksPerSecond);

        int Number(int field) => int.Parse(fields[field], CultureInfo.InvariantCulture);
    }

    private static string? ReadStat(string folder)
    {
        try
        {
            return File.ReadAllText($"{folder}/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile.
            return null;
        }
    }
}
