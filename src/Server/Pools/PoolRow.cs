using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Pools;

namespace Berth.Server.Pools;

/// <summary>A pool as stored, without its classes.</summary>
public sealed class PoolRow
{
    public int Id { get; init; }
    public string Name { get; init; } = "";
    public bool IsDefault { get; init; }
    public bool IsPublic { get; init; }
    public string? Platform { get; init; }
    public string? Quota { get; init; }
    public int? IdleThreshold { get; init; }
    public int? HibernationThreshold { get; init; }
    public int? HibernationWarningPeriod { get; init; }
    public double IdleCpuThreshold { get; init; }
    public string Reach { get; init; } = "";
    public string? ClusterId { get; init; }
    public string? Remote { get; init; }
    public int? AgeThreshold { get; init; }
    public int? StartingThreshold { get; init; }
    public int? FailedThreshold { get; init; }
    public int? RetentionThreshold { get; init; }
    public string Kind { get; init; } = "";
    public string? Queues { get; init; }

    public Quota? QuotaOrNull => Quota is null ? null : JsonSerializer.Deserialize(Quota, BerthJson.Default.Quota);

    private IReadOnlyList<string>? QueuesOrNull => Queues is null ? null : JsonSerializer.Deserialize(Queues, BerthJson.Default.IReadOnlyListString);

    private RemotePool? RemoteOrNull => Remote is null ? null : JsonSerializer.Deserialize(Remote, BerthJson.Default.RemotePool);

    public PoolView View(IEnumerable<ClassView> classes) => new(
        Id, Name, [.. classes], QuotaOrNull, IsDefault, IsPublic, Platform, IdleThreshold, HibernationThreshold, HibernationWarningPeriod,
        IdleCpuThreshold, Reach, ClusterId, RemoteOrNull, AgeThreshold, StartingThreshold, FailedThreshold, RetentionThreshold,
        Kind, QueuesOrNull);

    public PoolRequest Request(IEnumerable<ClassRow> classes) => new(
        Name, [.. classes.Select(c => c.Request())], QuotaOrNull, IsDefault, IsPublic, Platform, IdleThreshold, HibernationThreshold,
        HibernationWarningPeriod, IdleCpuThreshold, Reach, ClusterId, RemoteOrNull, AgeThreshold, StartingThreshold, FailedThreshold, RetentionThreshold,
        Kind, QueuesOrNull);

    internal static PoolRow From(int id, PoolRequest pool) => new()
    {
        Id = id,
        Name = pool.Name,
        IsDefault = pool.Default,
        IsPublic = pool.Public,
        Platform = pool.Platform,
        Quota = pool.Quota is null ? null : JsonSerializer.Serialize(pool.Quota, BerthJson.Default.Quota),
        IdleThreshold = pool.IdleThreshold,
        HibernationThreshold = pool.HibernationThreshold,
        HibernationWarningPeriod = pool.HibernationWarningPeriod,
        IdleCpuThreshold = pool.IdleCpuThreshold!.Value,
        Reach = pool.Reach!,
        ClusterId = pool.ClusterId,
        Remote = pool.Remote is null ? null : JsonSerializer.Serialize(pool.Remote, BerthJson.Default.RemotePool),
        AgeThreshold = pool.AgeThreshold,
        StartingThreshold = pool.StartingThreshold,
        FailedThreshold = pool.FailedThreshold,
        RetentionThreshold = pool.RetentionThreshold,
        Kind = pool.Kind!,
        Queues = pool.Queues is null ? null : JsonSerializer.Serialize(pool.Queues, BerthJson.Default.IReadOnlyListString),
    };
}

/// <summary>A class as stored.</summary>
public sealed class ClassRow
{
    public int Id { get; init; }
    public int PoolId { get; init; }
    public string Name { get; init; } = "";
    public double Cpu { get; init; }
    public int Memory { get; init; }
    public int Gpu { get; init; }
    public int MaxStorage { get; init; }
    public int DefaultStorage { get; init; }
    public bool IsDefault { get; init; }
    public string Tolerations { get; init; } = "[]";
    public string NodeAffinities { get; init; } = "[]";

    public ClassView View(ClassFilter? filter = null) => new(
        Id, Name, Cpu, Memory, Gpu, MaxStorage, DefaultStorage, IsDefault, TolerationList, AffinityList, filter?.Matches(this));

    public ClassRequest Request() => new(Name, Cpu, Memory, Gpu, MaxStorage, DefaultStorage, IsDefault, TolerationList, AffinityList, Id);

    private IReadOnlyList<string> TolerationList => JsonSerializer.Deserialize(Tolerations, BerthJson.Default.IReadOnlyListString) ?? [];

    private IReadOnlyList<NodeAffinity> AffinityList => JsonSerializer.Deserialize(NodeAffinities, BerthJson.Default.IReadOnlyListNodeAffinity) ?? [];

    internal static ClassRow From(int id, int poolId, ClassRequest one) => new()
    {
        Id = id,
        PoolId = poolId,
        Name = one.Name,
        Cpu = one.Cpu,
        Memory = one.Memory,
        Gpu = one.Gpu,
        MaxStorage = one.MaxStorage,
        DefaultStorage = one.DefaultStorage,
        IsDefault = one.Default,
        Tolerations = JsonSerializer.Serialize(one.Tolerations ?? [], BerthJson.Default.IReadOnlyListString),
        NodeAffinities = JsonSerializer.Serialize(one.NodeAffinities ?? [], BerthJson.Default.IReadOnlyListNodeAffinity),
    };
}

/// <summary>What a list is asked to mark as matching.</summary>
public sealed record ClassFilter(double? Cpu, int? Gpu, double? Memory, int? MaxStorage)
{
    /// <summary>Null where nothing is asked for.</summary>
    public static ClassFilter? Of(double? cpu, int? gpu, double? memory, int? maxStorage) =>
        cpu is null && gpu is null && memory is null && maxStorage is null ? null : new ClassFilter(cpu, gpu, memory, maxStorage);

    public bool Matches(ClassRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row.Cpu >= (Cpu ?? 0) && row.Gpu >= (Gpu ?? 0) && row.Memory >= (Memory ?? 0) && row.MaxStorage >= (MaxStorage ?? 0);
    }
}
