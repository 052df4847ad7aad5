namespace Berth.Contracts.Sessions;

/// <summary>
/// A session as admins see everybody's: what it holds and how it is, and nothing of what is in it. There is no link, no
/// log, no variable and no repository; why it failed is said without what it wrote.
/// </summary>
/// <param name="Id">ULID.</param>
/// <param name="Name">Unique among its owner's live sessions.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="Username">Whose it is.</param>
/// <param name="Status">launching, running, pausing, stopping, paused, failed or ended.</param>
/// <param name="Reason">Stable name of why it is so; null while all is well.</param>
/// <param name="Stage">While it launches.</param>
/// <param name="Image">As asked for.</param>
/// <param name="Resources">What it holds or held.</param>
/// <param name="PoolName">Where it runs.</param>
/// <param name="ClassName">Its class.</param>
/// <param name="Provider">Such as <c>docker</c>.</param>
/// <param name="Started">When it was first asked for.</param>
/// <param name="StatusSince">When it entered the status.</param>
/// <param name="LastInteraction">When it was last used.</param>
/// <param name="StopsAt">The earliest deadline; null: none.</param>
/// <param name="StopsBecause">Which that is, in words.</param>
/// <param name="WorkKept">The workspace is still there and is this session's.</param>
/// <param name="DiskUsed">Bytes in the workspace; null: not measured.</param>
/// <param name="DiskMeasuredAt">When that was.</param>
/// <param name="Priority">While it waits in line for a machine: 0 is ordinary, more is sooner.</param>
public sealed record AdminSessionView(
    string Id, string Name, string UserId, string Username, string Status, string? Reason, string? Stage, string Image,
    ResourceAmounts Resources, string PoolName, string ClassName, string Provider, DateTimeOffset Started, DateTimeOffset StatusSince,
    DateTimeOffset LastInteraction, DateTimeOffset? StopsAt, string? StopsBecause, bool WorkKept, long? DiskUsed, DateTimeOffset? DiskMeasuredAt,
    int? Priority = null);
