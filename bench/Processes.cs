using System.Diagnostics;
using System.Globalization;

namespace Berth.Bench;

/// <summary>Runs programs and times them from outside.</summary>
public static class Processes
{
    /// <summary>Runs to the end; its output, and how long it took.</summary>
    public static async Task<(string Output, double Milliseconds)> RunAsync(
        string program, string[] arguments, IReadOnlyDictionary<string, string>? variables = null)
    {
        var watch = Stopwatch.StartNew();
        using var process = Start(program, arguments, variables);
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        watch.Stop();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
        return (output, watch.Elapsed.TotalMilliseconds);
    }

    public static Process Start(string program, string[] arguments, IReadOnlyDictionary<string, string>? variables = null, bool input = false)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardInput = input, UseShellExecute = false };
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start.");
    }

    /// <summary>What programs and all that they started have used of the processor so far.</summary>
    public static TimeSpan ProcessorTime(IEnumerable<int> ids)
    {
        var sum = TimeSpan.Zero;
        for (var open = new Queue<int>(ids); open.TryDequeue(out var id);)
        {
            using var process = Process.GetProcessById(id);
            sum += process.TotalProcessorTime;
            foreach (var task in Directory.EnumerateDirectories($"/proc/{id}/task"))
            {
                foreach (var child in ChildrenOf(task))
                    open.Enqueue(child);
            }
        }

        return sum;
    }

    private static IEnumerable<int> ChildrenOf(string task)
    {
        try
        {
            return File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // A thread that has just ended has started nothing that is not another one's by now.
            return [];
        }
    }
}
