using System.Globalization;

namespace Berth.Core.Queues;

/// <summary>A gpu as <c>nvidia-smi</c> tells it; null: it did not say.</summary>
/// <param name="Index">Number on the machine.</param>
/// <param name="Uuid">Id, such as <c>GPU-8a5…</c>.</param>
/// <param name="Name">Model.</param>
/// <param name="MemoryMiB">Memory, MiB.</param>
/// <param name="UsedMiB">Of it in use, MiB; some of it by the driver.</param>
/// <param name="UtilizationPercent">Share of the last moments in which it computed, in percent.</param>
public sealed record Gpu(int Index, string Uuid, string Name, long? MemoryMiB, long? UsedMiB, int? UtilizationPercent);

/// <summary>A process that computes on a gpu.</summary>
/// <param name="GpuUuid">Which gpu.</param>
/// <param name="Pid">Process id on the machine.</param>
/// <param name="UsedMiB">Memory that it uses there, MiB; null: not told.</param>
public sealed record GpuProcess(string GpuUuid, int Pid, long? UsedMiB);

/// <summary>
/// What <c>nvidia-smi</c> says of a machine's gpus and who uses them. What it does not say is not known, and what is not
/// known is not free. The format is that of <c>--format=csv,noheader,nounits</c> (https://docs.nvidia.com/deploy/nvidia-smi).
/// </summary>
public sealed class GpuReport
{
    // A gpu that nobody uses still has some memory taken by its driver, and its use is rounded.
    private const double UsedShare = 0.1;
    private const int UsedPercent = 10;

    private GpuReport(List<Gpu> gpus, List<GpuProcess> processes, List<string> notUnderstood, bool processesKnown)
    {
        Gpus = gpus;
        Processes = processes;
        NotUnderstood = notUnderstood;
        ProcessesKnown = processesKnown;
    }

    /// <summary>The fields to ask with <c>--query-gpu=</c>.</summary>
    public const string GpuFields = "index,uuid,name,memory.total,memory.used,utilization.gpu";

    /// <summary>The fields to ask with <c>--query-compute-apps=</c>.</summary>
    public const string ProcessFields = "gpu_uuid,pid,used_memory";

    /// <summary>The gpus, by number.</summary>
    public IReadOnlyList<Gpu> Gpus { get; }

    /// <summary>The processes that compute on them.</summary>
    public IReadOnlyList<GpuProcess> Processes { get; }

    /// <summary>Lines of either answer that are neither: errors and warnings, to be shown.</summary>
    public IReadOnlyList<string> NotUnderstood { get; }

    /// <summary>Whether <see cref="Processes"/> is all; if not, anybody may be using any gpu.</summary>
    public bool ProcessesKnown { get; }

    /// <summary>Reads both answers. Never throws.</summary>
    /// <param name="gpus">Standard output of the question for <see cref="GpuFields"/>; null: it failed.</param>
    /// <param name="processes">Standard output of the question for <see cref="ProcessFields"/>; null: it failed. Empty: nobody computes.</param>
    public static GpuReport Parse(string? gpus, string? processes)
    {
        var notUnderstood = new List<string>();
        var found = Lines(gpus).Select(line => Read(line, GpuOf, notUnderstood)).OfType<Gpu>()
            .DistinctBy(g => g.Uuid).OrderBy(g => g.Index).ToList();
        var before = notUnderstood.Count;
        var running = Lines(processes).Select(line => Read(line, ProcessOf, notUnderstood)).OfType<GpuProcess>().ToList();
        var known = processes is not null && notUnderstood.Count == before
            && running.TrueForAll(p => found.Exists(gpu => IsCalled(gpu, p.GpuUuid)));
        return new(found, running, notUnderstood, known);
    }

    /// <summary>Which of some gpus may not be handed out.</summary>
    /// <param name="offered">By uuid or number, as the machine offers them.</param>
    /// <param name="ours">Process ids of Berth's own sessions.</param>
    /// <returns>Those that somebody else uses, and those of which it is not known.</returns>
    public IReadOnlySet<string> NotFree(IEnumerable<string> offered, IReadOnlySet<int> ours) =>
        offered.Where(id => !Gpus.Any(gpu => IsCalled(gpu, id) && IsFree(gpu, ours))).ToHashSet(StringComparer.Ordinal);

    private static bool IsCalled(Gpu gpu, string id) =>
        string.Equals(gpu.Uuid, id, StringComparison.OrdinalIgnoreCase) || gpu.Index.ToString(CultureInfo.InvariantCulture) == id;

    private bool IsFree(Gpu gpu, IReadOnlySet<int> ours)
    {
        var on = Processes.Where(p => IsCalled(gpu, p.GpuUuid)).ToList();
        if (!ProcessesKnown || on.Exists(p => !ours.Contains(p.Pid)))
            return false;
        // Work whose process is not told (another user's container, a virtual machine) shows in what the gpu does.
        return on.Count > 0 || (IsIdle(gpu) ?? false);
    }

    private static bool? IsIdle(Gpu gpu) => gpu switch
    {
        { UtilizationPercent: >= UsedPercent } => false,
        { MemoryMiB: { } all, UsedMiB: { } used } => used <= all * UsedShare,
        { UtilizationPercent: { } } => true,
        _ => null,
    };

    private static string[] Lines(string? text) =>
        (text ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static T? Read<T>(string line, Func<string[], T?> read, List<string> notUnderstood)
        where T : class
    {
        var result = read(line.Split(',', StringSplitOptions.TrimEntries));
        if (result is null)
            notUnderstood.Add(line);
        return result;
    }

    // Only the name may hold commas.
    private static Gpu? GpuOf(string[] fields) =>
        fields is [var index, var uuid, .. { Length: >= 1 } name, var memory, var used, var utilization]
        && Number(index) is { } number and <= int.MaxValue && IsUuid(uuid)
            ? new((int)number, uuid, string.Join(", ", name), Number(memory), Number(used), (int?)Percent(utilization))
            : null;

    private static GpuProcess? ProcessOf(string[] fields) =>
        fields is [var uuid, var pid, var used] && IsUuid(uuid) && Number(pid) is { } number and <= int.MaxValue
            ? new(uuid, (int)number, Number(used))
            : null;

    private static bool IsUuid(string text) =>
        text.StartsWith("GPU-", StringComparison.OrdinalIgnoreCase) || text.StartsWith("MIG-", StringComparison.OrdinalIgnoreCase);

    private static long? Percent(string text) => Number(text) is { } number and <= 100 ? number : null;

    // "[N/A]", "[Not Supported]", "[Unknown Error]" and their like are no numbers.
    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
