using System.Globalization;

namespace Berth.Cli.Servers;

/// <summary>
/// Which process the local server is: its id and the time it was started, in the kernel's ticks, so that another process
/// that got the same id later is never taken for it.
/// </summary>
internal sealed class PidFile(string path)
{
    public string Path { get; } = path;

    public void Write(int pid)
    {
        if (StartOf(pid) is { } start)
            File.WriteAllText(Path, $"{pid} {start}\n");
    }

    public void Delete() => File.Delete(Path);

    /// <summary>The process, if it is the very one and lives.</summary>
    public int? Running()
    {
        try
        {
            var parts = File.ReadAllText(Path).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return parts.Length == 2 && int.TryParse(parts[0], CultureInfo.InvariantCulture, out var pid) && StartOf(pid) == parts[1]
                ? pid
                : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Field 22 of proc_pid_stat(5); null where there is no such process, or it has ended and only waits to be reaped.</summary>
    private static string? StartOf(int pid)
    {
        try
        {
            // The name in field 2 may hold blanks and parentheses: fields are counted behind the last one.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
