using System.Diagnostics;

namespace Berth.Bench;

/// <summary>The server itself: how soon it answers, and what it holds while nothing happens.</summary>
public static class ServerBench
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(30);

    public static async Task<Table> RunAsync(BenchServer server)
    {
        using var process = Process.GetProcessById(server.ProcessId);
        await Task.Delay(TimeSpan.FromSeconds(5));
        var before = process.TotalProcessorTime;
        await Task.Delay(Idle);
        process.Refresh();
        var cpu = (process.TotalProcessorTime - before) / Idle * 100;
        return new Table("Server", "berth-server", "", "see each row")
            .Add("first answer after start, empty data folder, ms", server.FirstAnswerMilliseconds, "< 1000")
            .Add("resident memory, idle, MB", process.WorkingSet64 / 1e6, "< 150")
            .Add($"processor, idle for {Idle.TotalSeconds:0} s, % of a core", cpu, "< 1");
    }
}
