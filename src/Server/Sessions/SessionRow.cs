using System.Text.Json;
using Berth.Contracts.Nodes;
using Berth.Core.Agents;
using Berth.Core.Sessions;

namespace Berth.Server.Sessions;

/// <summary>A session as stored. Times are UTC milliseconds; names of states are those of the enumerations.</summary>
public sealed class SessionRow
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string UserId { get; init; }
    public required string LauncherId { get; init; }
    public required string ProjectId { get; init; }
    public required int PoolId { get; init; }
    public required int ClassId { get; init; }

    /// <summary>The provider instance that runs it, such as <c>docker</c>.</summary>
    public required string Provider { get; init; }

    public required string Spec { get; init; }
    public required string Limits { get; init; }
    public int Generation { get; init; }
    public required string Wish { get; init; }
    public required string Status { get; init; }
    public long StatusSince { get; init; }
    public required string Step { get; init; }
    public string? Stage { get; init; }
    public string? StageDetail { get; init; }
    public required string Stages { get; init; }
    public string? Reason { get; init; }
    public string? Detail { get; init; }
    public required string Notices { get; init; }
    public int? ExitCode { get; init; }
    public string? Address { get; init; }
    public long GenerationSince { get; init; }
    public long? StartingSince { get; init; }
    public long LastUsed { get; init; }
    public long? ExtendedUntil { get; init; }
    public int InUse { get; init; }
    public long? WarnedOf { get; init; }
    public bool HasWorkspace { get; init; }
    public long CreatedAt { get; init; }

    /// <summary>Grows with every save: a save of an older one is discarded.</summary>
    public long Version { get; init; }

    /// <summary>Of which no two rows have the same.</summary>
    public string Workspace { get; init; } = "";

    public string? Continues { get; init; }
    public string? ContinuedBy { get; init; }
    public long? DiskUsed { get; init; }
    public long? DiskMeasuredAt { get; init; }
    public string? Line { get; init; }
}

/// <summary>A stored session, read into its parts.</summary>
/// <param name="Session">What decisions see.</param>
/// <param name="Spec">What is wanted.</param>
/// <param name="Facts">What never changes.</param>
/// <param name="Stages">Stages of the present generation.</param>
/// <param name="Notices">What went wrong without failing it.</param>
/// <param name="Address">Host for direct reach.</param>
/// <param name="Version">Of the row this was read from.</param>
public sealed record StoredSession(
    Session Session, SessionSpec Spec, SessionFacts Facts, IReadOnlyList<StageEntry> Stages, IReadOnlyList<string> Notices,
    string? Address, long Version)
{
    /// <summary>Its workspace: named after the session that made it, which it may have gone on from.</summary>
    public string Workspace { get; init; } = Session.Id;

    /// <summary>The session whose work it began with.</summary>
    public string? Continues { get; init; }

    /// <summary>The session that its work went to.</summary>
    public string? ContinuedBy { get; init; }

    /// <summary>What the workspace held when it was measured last.</summary>
    public DiskUse? Disk { get; init; }

    /// <summary>For routes of the proxy.</summary>
    public SessionRoute Route() => new(
        Session.Id, Facts.Name, Facts.UserId, Session.Generation, Session.Status, Spec.Port, Spec.DefaultUrl, Spec.Reach, Address, Facts.Provider);

    /// <summary>It stands in line again: which gpus it had been given is void, and so is the machine, unless its work is there.</summary>
    public StoredSession WithoutMachine() => this with
    {
        Spec = Spec.Resources.Gpu.Ids.Count == 0 ? Spec : Spec with { Resources = Spec.Resources with { Gpu = new GpuRequest(Spec.Resources.Gpu.Ids.Count, []) } },
        Facts = Session.Line!.Tied ? Facts : Facts with { Provider = ProviderNames.Line },
        Address = null,
        Notices = [],
    };

    /// <summary>Reads a row.</summary>
    public static StoredSession From(SessionRow row)
    {
        var session = new Session
        {
            Id = row.Id,
            Generation = row.Generation,
            Wish = Enum.Parse<Wish>(row.Wish, ignoreCase: true),
            Status = Enum.Parse<SessionStatus>(row.Status, ignoreCase: true),
            StatusSince = At(row.StatusSince),
            Step = Enum.Parse<Step>(row.Step, ignoreCase: true),
            Stage = row.Stage is null ? null : Enum.Parse<Stage>(row.Stage, ignoreCase: true),
            StageDetail = row.StageDetail,
            Reason = row.Reason is null ? null : Enum.Parse<Reason>(row.Reason, ignoreCase: true),
            Detail = row.Detail,
            ExitCode = row.ExitCode,
            GenerationSince = At(row.GenerationSince),
            StartingSince = row.StartingSince is { } starting ? At(starting) : null,
            LastUsed = At(row.LastUsed),
            ExtendedUntil = row.ExtendedUntil is { } until ? At(until) : null,
            InUse = (Uses)row.InUse,
            WarnedOf = row.WarnedOf is { } warned ? At(warned) : null,
            Limits = JsonSerializer.Deserialize(row.Limits, CoreJson.Default.Limits)!,
            HasWorkspace = row.HasWorkspace,
            Line = LineOf(row),
        };
        return new StoredSession(
            session,
            JsonSerializer.Deserialize(row.Spec, CoreJson.Default.SessionSpec)!,
            new SessionFacts(row.Name, row.UserId, row.LauncherId, row.ProjectId, row.PoolId, row.ClassId, row.Provider, At(row.CreatedAt)),
            JsonSerializer.Deserialize(row.Stages, SessionsJson.Default.IReadOnlyListStageEntry)!,
            JsonSerializer.Deserialize(row.Notices, SessionsJson.Default.IReadOnlyListString)!,
            row.Address,
            row.Version)
        {
            Workspace = row.Workspace,
            Continues = row.Continues,
            ContinuedBy = row.ContinuedBy,
            Disk = row is { DiskUsed: { } bytes, DiskMeasuredAt: { } at } ? new DiskUse(bytes, At(at)) : null,
        };
    }

    /// <summary>The row of this state, one version on.</summary>
    public SessionRow ToRow() => new()
    {
        Id = Session.Id,
        Name = Facts.Name,
        UserId = Facts.UserId,
        LauncherId = Facts.LauncherId,
        ProjectId = Facts.ProjectId,
        PoolId = Facts.PoolId,
        ClassId = Facts.ClassId,
        Provider = Facts.Provider,
        Spec = JsonSerializer.Serialize(Spec, CoreJson.Default.SessionSpec),
        Limits = JsonSerializer.Serialize(Session.Limits, CoreJson.Default.Limits),
        Generation = Session.Generation,
        Wish = Name(Session.Wish),
        Status = Name(Session.Status),
        StatusSince = Ms(Session.StatusSince),
        Step = Name(Session.Step),
        Stage = Session.Stage is { } stage ? Name(stage) : null,
        StageDetail = Session.StageDetail,
        Stages = JsonSerializer.Serialize(Stages, SessionsJson.Default.IReadOnlyListStageEntry),
        Reason = Session.Reason is { } reason ? Name(reason) : null,
        Detail = Session.Detail,
        Notices = JsonSerializer.Serialize(Notices, SessionsJson.Default.IReadOnlyListString),
        ExitCode = Session.ExitCode,
        Address = Address,
        GenerationSince = Ms(Session.GenerationSince),
        StartingSince = Session.StartingSince is { } starting ? Ms(starting) : null,
        LastUsed = Ms(Session.LastUsed),
        ExtendedUntil = Session.ExtendedUntil is { } until ? Ms(until) : null,
        InUse = (int)Session.InUse,
        WarnedOf = Session.WarnedOf is { } warned ? Ms(warned) : null,
        HasWorkspace = Session.HasWorkspace,
        CreatedAt = Ms(Facts.CreatedAt),
        Version = Version,
        Workspace = Workspace,
        Continues = Continues,
        ContinuedBy = ContinuedBy,
        DiskUsed = Disk?.Bytes,
        DiskMeasuredAt = Disk is { } disk ? Ms(disk.MeasuredAt) : null,
        Line = Session.Line is { } line ? JsonSerializer.Serialize(line, CoreJson.Default.LinePlace) : null,
    };

    // Sessions that were on machines before there were lines.
    private static LinePlace? LineOf(SessionRow row) =>
        row.Line is { } json ? JsonSerializer.Deserialize(json, CoreJson.Default.LinePlace)
        : ProviderNames.IsNode(row.Provider) ? new LinePlace(NodeRoutes.DefaultQueue, 0) { Tied = true }
        : null;

    private static DateTimeOffset At(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    private static long Ms(DateTimeOffset at) => at.ToUnixTimeMilliseconds();

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}

/// <summary>Size of a workspace.</summary>
/// <param name="Bytes">Bytes.</param>
/// <param name="MeasuredAt">When; what was written since is not in it.</param>
public sealed record DiskUse(long Bytes, DateTimeOffset MeasuredAt);

/// <summary>What never changes about a session.</summary>
public sealed record SessionFacts(
    string Name, string UserId, string LauncherId, string ProjectId, int PoolId, int ClassId, string Provider, DateTimeOffset CreatedAt);

/// <summary>One stage of a start with its times.</summary>
public sealed record StageEntry(Stage Stage, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, string? Detail);
