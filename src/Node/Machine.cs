using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Berth.Contracts.Nodes;
using Berth.Core.Providers;
using Berth.Core.Queues;

namespace Berth.Node;

/// <summary>What the machine has, measured.</summary>
internal sealed class Machine(Runtime runtime, NodeFolder folder, TimeProvider time)
{
    private const string GpuProgram = "nvidia-smi";
    private const double Notable = 0.05;
    private static readonly TimeSpan s_gpusWithin = TimeSpan.FromSeconds(10);
    private static readonly HashSet<int> s_nobody = [];

    public async Task<NodeFacts> MeasureAsync(CancellationToken ct)
    {
        var facts = new NodeFacts
        {
            Cpu = Environment.ProcessorCount,
            MemoryBytes = MemInfo("MemTotal"),
            MemoryFreeBytes = MemInfo("MemAvailable"),
            DiskFreeBytes = new DriveInfo(folder.Path).AvailableFreeSpace,
            Gpus = await GpusAsync(ct),
        };
        try
        {
            return await runtime.DescribeAsync(facts, ct);
        }
        catch (ProviderException e)
        {
            return facts with { Problem = $"Sessions cannot run there: {e.Message}" };
        }
    }

    /// <summary>Whether it is worth telling.</summary>
    public static bool Differ(NodeFacts a, NodeFacts b) =>
        a.Problem != b.Problem || a.Engine != b.Engine || a.Cpu != b.Cpu || a.MemoryBytes != b.MemoryBytes
        || Far(a.MemoryFreeBytes, b.MemoryFreeBytes) || Far(a.DiskFreeBytes, b.DiskFreeBytes) || !a.Gpus.SequenceEqual(b.Gpus);

    private static bool Far(long a, long b) => Math.Abs(a - b) > Notable * Math.Max(a, b);

    /// <summary>In bytes, of proc(5); 0: it does not say.</summary>
    private static long MemInfo(string name)
    {
        foreach (var line in File.ReadLines("/proc/meminfo"))
        {
            if (line.StartsWith(name + ":", StringComparison.Ordinal) && line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var kilobytes, ..])
                return long.Parse(kilobytes, CultureInfo.InvariantCulture) * 1024;
        }

        return 0;
    }

    private async Task<IReadOnlyList<NodeGpu>> GpusAsync(CancellationToken ct)
    {
        if (await AskAsync($"--query-gpu={GpuReport.GpuFields}", ct) is not { } gpus)
            return [];
        var report = GpuReport.Parse(gpus, await AskAsync($"--query-compute-apps={GpuReport.ProcessFields}", ct));
        // Which of them work for Berth's sessions the server knows, for it gave them out.
        var busy = report.NotFree(report.Gpus.Select(g => g.Uuid), s_nobody);
        return [.. report.Gpus.Select(g => new NodeGpu(g.Index, g.Uuid, g.Name, g.MemoryMiB, busy.Contains(g.Uuid)))];
    }

    /// <returns>Null where there is no such program, it fails, or it does not end.</returns>
    private async Task<string?> AskAsync(string question, CancellationToken ct)
    {
        var start = new ProcessStartInfo(GpuProgram, [question, "--format=csv,noheader,nounits"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            using var limit = new CancellationTokenSource(s_gpusWithin, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
            try
            {
                var said = await process.StandardOutput.ReadToEndAsync(either.Token);
                await process.WaitForExitAsync(either.Token);
                return process.ExitCode == 0 ? said : null;
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                ct.ThrowIfCancellationRequested();
                return null;
            }
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
