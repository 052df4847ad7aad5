using System.Data.Common;
using System.Text.Json;
using Berth.Contracts.Nodes;
using Berth.Core.Agents;
using Berth.Core.Queues;
using Berth.Core.Sessions;
using Dapper;

namespace Berth.Server.Nodes;

/// <summary>A session that has a machine: what it holds of it.</summary>
public sealed class HeldSession
{
    private SessionResources? _resources;
    private LinePlace? _place;

    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string UserId { get; init; }
    public required string Username { get; init; }
    public required string Provider { get; init; }
    public required string Status { get; init; }
    public required string Step { get; init; }
    public required string Spec { get; init; }
    public required string Limits { get; init; }
    public string? Line { get; init; }
    public long GenerationSince { get; init; }
    public long? StartingSince { get; init; }

    /// <summary>Bytes in its workspace, as they were counted last; 0: they never were.</summary>
    public long DiskUsed { get; init; }

    public LinePlace? Place => Line is null ? null : _place ??= JsonSerializer.Deserialize(Line, CoreJson.Default.LinePlace);

    /// <summary>When it was given the machine.</summary>
    public DateTimeOffset PlacedAt => DateTimeOffset.FromUnixTimeMilliseconds(StartingSince ?? GenerationSince);

    public SessionResources Resources => _resources ??= JsonSerializer.Deserialize(Spec, CoreJson.Default.SessionSpec)!.Resources;

    /// <summary>Of disk, what it has not written yet.</summary>
    public Demand Demand => NodeLoad.DemandOf(Resources, DiskUsed);

    /// <summary>Paused sessions, those that have ended and those that wait are on a machine by their work alone.</summary>
    public bool Holds => Status is not ("paused" or "ended") && Step is not ("stopped" or "waiting");

    /// <summary>When it ends at the latest; null: nobody knows.</summary>
    public DateTimeOffset? EndsAt =>
        JsonSerializer.Deserialize(Limits, CoreJson.Default.Limits) is { Age: { } age } && age > TimeSpan.Zero ? PlacedAt + age : null;
}

/// <summary>A node with what is on it: what it offers, and what of it is free.</summary>
public sealed class NodeLoad
{
    private const long Gigabyte = 1L << 30;
    private const long LargestWorkspace = 1L << 50;
    private readonly NodeEntry _node;

    public NodeLoad(NodeEntry node, IReadOnlyList<HeldSession> sessions)
    {
        (_node, Sessions) = (node, sessions);
        (Offer, Facts) = (node.Row.OfferOf, node.Row.FactsOf);
        Holding = [.. sessions.Where(s => s.Holds)];
        var given = Holding.SelectMany(s => s.Resources.Gpu.Ids).ToHashSet(StringComparer.Ordinal);
        var seen = Facts?.Gpus ?? [];
        GpuIds = Offer.Gpus is { } said ? [.. said.Select(g => seen.FirstOrDefault(s => IsCalled(s, g))?.Id ?? g).Distinct()] : [.. seen.Select(g => g.Id)];
        // One that is not there, or that somebody else computes on, is nobody's to give.
        GpusUsedOutside = GpuIds.Where(id => !given.Contains(id) && (seen.FirstOrDefault(g => g.Id == id)?.Busy ?? true)).ToHashSet(StringComparer.Ordinal);
        GpusFree = GpuIds.Count(id => !given.Contains(id) && !GpusUsedOutside.Contains(id));
        Disk = new(Facts?.DiskFreeBytes ?? 0, sessions.Sum(s => Math.Clamp(s.DiskUsed, 0, LargestWorkspace)), Offer.DiskBytes);
    }

    public NodeOffer Offer { get; }

    public NodeFacts? Facts { get; }

    public IReadOnlyList<HeldSession> Sessions { get; }

    public IReadOnlyList<HeldSession> Holding { get; }

    public IReadOnlyList<string> GpuIds { get; }

    public IReadOnlySet<string> GpusUsedOutside { get; }

    public int GpusFree { get; }

    public NodeDisk Disk { get; }

    /// <summary>What it was told to offer; null: nothing.</summary>
    public Demand? Said => Offer is { Cpu: null, MemoryBytes: null, DiskBytes: null, Gpus: null } ? null : new(
        Offer.Cpu ?? Facts?.Cpu ?? 0, Offer.MemoryBytes ?? Facts?.MemoryBytes ?? 0, Offer.Gpus?.Count ?? Facts?.Gpus.Count ?? 0, Offer.DiskBytes ?? Disk.ThereBytes);

    /// <summary>What is there.</summary>
    public Demand? Measured => Facts is null ? null : new(Facts.Cpu, Facts.MemoryBytes, Facts.Gpus.Count, Disk.ThereBytes);

    /// <summary>Of both the smaller: what was said is not believed.</summary>
    public Demand? Offered => (Said, Measured) switch
    {
        (_, null) => null,
        (null, var measured) => measured with { Gpus = GpuIds.Count },
        var (said, measured) => new(Math.Min(said.Cpu, measured.Cpu), Math.Min(said.MemoryBytes, measured.MemoryBytes), Math.Min(GpuIds.Count, measured.Gpus), Disk.OfferedBytes),
    };

    /// <summary>What of it no session has.</summary>
    public Demand? Free => Offered is not { } offered ? null : Holding.Select(s => s.Demand).Aggregate(
        offered with { DiskBytes = Math.Max(0, offered.DiskBytes - Disk.WrittenBytes) }, (free, d) => new(Math.Max(0, free.Cpu - d.Cpu), Math.Max(0, free.MemoryBytes - d.MemoryBytes), 0, Math.Max(0, free.DiskBytes - d.DiskBytes))) with
    { Gpus = GpusFree };

    /// <param name="resources">What the session was promised.</param>
    /// <param name="written">Bytes that are in its workspace already.</param>
    public static Demand DemandOf(SessionResources resources, long written = 0) => new(
        resources.Cpu, resources.MemoryBytes, resources.Gpu.Ids.Count > 0 ? resources.Gpu.Ids.Count : Math.Max(0, resources.Gpu.Count),
        NodeDisk.Unwritten(resources.DiskBytes, written));

    public static NodeAmounts? Amounts(Demand? demand) => demand is null ? null : new(
        Math.Round(demand.Cpu, 3), Math.Round(demand.MemoryBytes / (double)Gigabyte, 2), Math.Round(demand.DiskBytes / (double)Gigabyte, 1), demand.Gpus);

    /// <summary>As decisions of placement see it; null: it has not said yet what it has.</summary>
    /// <param name="lastQueue">The queue that it took from last; null: none yet.</param>
    /// <param name="restsUntil">Until when nothing is given to it, for it took nothing of what it was given last.</param>
    public Node? ForPlacement(string? lastQueue = null, DateTimeOffset? restsUntil = null)
    {
        if (Offered is not { } offered)
            return null;
        return new Node
        {
            Id = _node.Row.Id,
            Name = _node.Row.Name,
            Owner = _node.Row.OwnerId,
            Queues = Offer.Queues,
            Fair = Offer.Fair,
            Cpu = offered.Cpu,
            MemoryBytes = offered.MemoryBytes,
            DiskBytes = offered.DiskBytes,
            DiskWrittenBytes = Disk.WrittenBytes,
            GpuIds = GpuIds,
            GpusUsedOutside = GpusUsedOutside,
            Draining = _node.Row.Draining,
            Problem = Facts?.Problem,
            RestsUntil = restsUntil,
            Uptime = Offer.Uptime is { } uptime ? NodeRules.Window(uptime, Offer.TimeZone) : null,
            LostSince = _node.IsConnected ? null : _node.Link.Heard,
            LastQueue = lastQueue,
            Sessions = [.. Holding.Select(s => new PlacedSession(
                s.Id, s.UserId, s.Place?.Queue ?? Offer.Queues[0], s.Place?.Priority ?? 0, DateTimeOffset.FromUnixTimeMilliseconds(s.GenerationSince), s.PlacedAt,
                s.Demand, s.Resources.Gpu.Ids) { EndsAt = s.EndsAt })],
        };
    }

    /// <summary>All sessions that have not ended, or whose work is kept, of nodes.</summary>
    public static async Task<ILookup<string, HeldSession>> SessionsAsync(DbConnection connection) =>
        (await connection.QueryAsync<HeldSession>(
            """
            SELECT s.id, s.name, s.user_id, u.username, s.provider, s.status, s.step, s.spec, s.limits, s.line, s.generation_since, s.starting_since,
                COALESCE(s.disk_used, 0) AS disk_used
            FROM sessions s JOIN users u ON u.id = s.user_id
            WHERE s.provider LIKE 'node:%' AND (s.status <> 'ended' OR s.has_workspace = @yes) ORDER BY s.id
            """, new { yes = true })).ToLookup(s => s.Provider);

    private static bool IsCalled(NodeGpu gpu, string id) =>
        string.Equals(gpu.Id, id, StringComparison.OrdinalIgnoreCase) || gpu.Index.ToString(System.Globalization.CultureInfo.InvariantCulture) == id;
}
