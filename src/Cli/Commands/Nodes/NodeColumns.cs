using System.Globalization;
using Berth.Cli.Output;
using Berth.Contracts.Nodes;

namespace Berth.Cli.Commands.Nodes;

internal static class NodeColumns
{
    public static IReadOnlyList<Column<NodeView>> Of(TimeProvider time) =>
    [
        new("name", node => node.Name),
        new("state", node => node.Draining && node.State != "draining" ? $"{node.State}, draining" : node.State),
        new("sessions", node => Running(node)),
        new("cpu", node => FreeOf(node, a => a.Cpu)),
        new("memory", node => FreeOf(node, a => a.MemoryGb, " GB")),
        new("gpus", node => node.Offered?.Gpus > 0 ? FreeOf(node, a => a.Gpus) : null),
        new("disk", node => FreeOf(node, a => a.DiskGb ?? 0, " GB"), Default: false),
        new("queues", node => string.Join(", ", node.Queues)),
        new("serves", node => node.Owner ?? "pools"),
        new("isolated", node => node.Measured is null ? null : node.Isolation is null ? "yes" : "no"),
        new("seen", node => node.State == "away" ? node.LastSeen is { } at ? Ages.Ago(at, time.GetUtcNow()) : "never" : "now"),
        new("labels", node => Labels(node), Default: false),
        new("uptime", node => node.Uptime is null ? null : $"{node.Uptime} ({node.TimeZone})", Default: false),
        new("engine", node => node.Engine, Default: false),
        new("version", node => node.Version, Default: false),
        new("id", node => node.Id, Default: false),
    ];

    /// <summary>All that is known, for one node.</summary>
    public static IReadOnlyList<Column<NodeView>> All(TimeProvider time) =>
    [
        .. Of(time),
        new("said", node => Amounts(node.Said)),
        new("measured", node => Amounts(node.Measured)),
        new("devices", node => node.Gpus.Count == 0 ? null : string.Join("; ", node.Gpus)),
        new("problem", node => node.Problem),
        new("isolation", node => node.Isolation),
        new("joined", node => Ages.Ago(node.JoinedAt, time.GetUtcNow())),
    ];

    private static string? Running(NodeView node)
    {
        var live = node.Sessions.Where(s => s.Status != "ended").Select(s => s.Status == "running" ? s.Name : $"{s.Name} ({s.Status})").ToList();
        return live.Count == 0 ? null : string.Join(", ", live);
    }

    /// <summary>Such as <c>3.5 of 8 free</c>.</summary>
    private static string? FreeOf(NodeView node, Func<NodeAmounts, double> part, string unit = "") => node is { Free: { } free, Offered: { } offered }
        ? string.Create(CultureInfo.InvariantCulture, $"{part(free):0.##} of {part(offered):0.##}{unit} free")
        : null;

    private static string? Amounts(NodeAmounts? a) => a is null ? null : string.Create(
        CultureInfo.InvariantCulture, $"{a.Cpu:0.##} cores, {a.MemoryGb:0.##} GB of memory, {a.DiskGb:0.#} GB of disk, {a.Gpus} gpus");

    private static string? Labels(NodeView node) => node.Labels.Count == 0 ? null : string.Join(", ", node.Labels.Select(l => $"{l.Key}={l.Value}"));
}
