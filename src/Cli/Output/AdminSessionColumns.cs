using Berth.Contracts.Sessions;

namespace Berth.Cli.Output;

/// <summary>Columns of everybody's sessions: there are no links among them.</summary>
internal static class AdminSessionColumns
{
    public static IReadOnlyList<Column<AdminSessionView>> Of(TimeProvider time) =>
    [
        new("name", session => session.Name),
        new("owner", session => session.Username),
        new("status", session => session.Status),
        new("cpu", session => $"{session.Resources.Cpu}"),
        new("memory", session => $"{session.Resources.Memory} GB"),
        new("gpu", session => session.Resources.Gpu switch { < 0 => "all", 0 => null, var count => $"{count}" }),
        new("pool", session => session.PoolName),
        new("started", session => Ages.Ago(session.Started, time.GetUtcNow())),
        new("used", session => Ages.Ago(session.LastInteraction, time.GetUtcNow())),
        new("used_disk", session => DiskUse.Of(session.DiskUsed)),
        new("measured", session => session.DiskMeasuredAt is { } at ? Ages.Ago(at, time.GetUtcNow()) : null, false),
        new("reason", session => session.Reason, false),
        new("priority", session => session.Priority is { } priority ? $"{priority}" : null, false),
        new("class", session => session.ClassName, false),
        new("provider", session => session.Provider, false),
        new("image", session => session.Image, false),
        new("stops", session => session.StopsAt is { } at ? Ages.Until(at, time.GetUtcNow()) : null, false),
        new("id", session => session.Id, false),
    ];
}
