using System.Runtime.InteropServices;

namespace Berth.Core.Queues;

/// <summary>What a session needs, or a machine offers or has free.</summary>
/// <param name="Cpu">Cores; thousandths count.</param>
/// <param name="MemoryBytes">Bytes.</param>
/// <param name="Gpus">Whole gpus.</param>
/// <param name="DiskBytes">Bytes.</param>
public sealed record Demand(double Cpu, long MemoryBytes, int Gpus, long DiskBytes);

/// <summary>One of the four things that a machine can be short of.</summary>
public enum Resource
{
    /// <summary>Cores.</summary>
    Cpu,
    /// <summary>Main memory.</summary>
    Memory,
    /// <summary>Gpus.</summary>
    Gpus,
    /// <summary>Space for workspaces.</summary>
    Disk,
}

/// <summary>The four resources in whole numbers, so that sums and differences are exact: thousandths of cores, bytes, gpus, bytes.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Amounts(long MilliCpu, long Memory, long Gpus, long Disk)
{
    public static Amounts Of(Demand demand) =>
        new((long)Math.Ceiling(Math.Clamp(demand.Cpu, 0, 1e9) * 1000 - 1e-6), Whole(demand.MemoryBytes), Whole(demand.Gpus), Whole(demand.DiskBytes));

    public static Amounts operator +(Amounts a, Amounts b) => new(a.MilliCpu + b.MilliCpu, a.Memory + b.Memory, a.Gpus + b.Gpus, a.Disk + b.Disk);

    public static Amounts operator -(Amounts a, Amounts b) => new(a.MilliCpu - b.MilliCpu, a.Memory - b.Memory, a.Gpus - b.Gpus, a.Disk - b.Disk);

    public long this[Resource resource] => resource switch
    {
        Resource.Cpu => MilliCpu,
        Resource.Memory => Memory,
        Resource.Gpus => Gpus,
        _ => Disk,
    };

    /// <summary>Whether it fits; what is not needed may be overdrawn.</summary>
    public bool FitsIn(in Amounts free) =>
        (MilliCpu == 0 || MilliCpu <= free.MilliCpu) && (Memory == 0 || Memory <= free.Memory)
        && (Gpus == 0 || Gpus <= free.Gpus) && (Disk == 0 || Disk <= free.Disk);

    // A machine may say anything about its size, and sums must hold all the same.
    private static long Whole(long amount) => Math.Clamp(amount, 0, 1L << 56);
}

internal static class ResourceWords
{
    private const double GiB = 1L << 30;

    /// <summary>Such as "2 gpus" and "64 GiB of memory", or, bare, "2" and "64 GiB".</summary>
    public static string Words(this Resource resource, Demand demand, bool bare = false) => resource switch
    {
        Resource.Cpu => Counted(demand.Cpu, "core", bare),
        Resource.Gpus => Counted(demand.Gpus, "gpu", bare),
        Resource.Memory => $"{demand.MemoryBytes / GiB:0.##} GiB{(bare ? "" : " of memory")}",
        _ => $"{demand.DiskBytes / GiB:0.##} GiB{(bare ? "" : " of disk")}",
    };

    private static string Counted(double count, string one, bool bare) => bare ? $"{count:0.##}" : $"{count:0.##} {one}{(count == 1 ? "" : "s")}";
}
