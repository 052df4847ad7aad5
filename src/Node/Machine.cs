using System.Globalization;
using Berth.Contracts.Nodes;
using Berth.Core;
using Berth.Core.Providers;

namespace Berth.Node;

/// <summary>What the machine has, measured.</summary>
internal sealed class Machine(Runtime runtime, Gpus gpus, NodeFolder folder, TimeProvider time)
{
    private const double Notable = 0.05;
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(20), s_settles = TimeSpan.FromSeconds(1);

    private readonly Wakeup _changed = new();

    public async Task<NodeFacts> MeasureAsync(CancellationToken ct)
    {
        var seen = await gpus.LookAsync(ct);
        var facts = new NodeFacts
        {
            Cpu = Environment.ProcessorCount,
            MemoryBytes = MemInfo("MemTotal"),
            MemoryFreeBytes = MemInfo("MemAvailable"),
            DiskFreeBytes = new DriveInfo(folder.Path).AvailableFreeSpace,
            Gpus = seen.Gpus,
            GpusUnknown = seen.Unknown,
            GpuProblem = seen.Problem,
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
        a.Problem != b.Problem || a.Isolation != b.Isolation || a.Engine != b.Engine || a.Cpu != b.Cpu || a.MemoryBytes != b.MemoryBytes
        || Far(a.MemoryFreeBytes, b.MemoryFreeBytes) || Far(a.DiskFreeBytes, b.DiskFreeBytes) || !a.Gpus.SequenceEqual(b.Gpus)
        || a.GpusUnknown != b.GpusUnknown || a.GpuProblem != b.GpuProblem;

    /// <summary>A session was ended or not taken, or workspaces were counted: what is free now is worth telling. Never waits.</summary>
    public void Changed() => _changed.Set();

    /// <summary>Waits until it is time to measure again: now and then, and soon after something changed.</summary>
    /// <returns>Whether something changed.</returns>
    public async Task<bool> DueAsync(CancellationToken ct)
    {
        using var timer = new CancellationTokenSource(s_every, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timer.Token);
        try
        {
            await _changed.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }

        await Task.Delay(s_settles, time, ct); // a gpu's use is told as of the last moments
        return true;
    }

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
}
