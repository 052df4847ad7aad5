using System.Data.Common;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Nodes;

/// <summary>Nodes as they are shown: to admins all of them, to others their own. Whoever owns a machine sees what runs on it.</summary>
public sealed class NodeQueries(NodeDirectory nodes, Db db, TimeProvider clock)
{
    public async Task<List<NodeView>> ListAsync(Caller caller, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var (sessions, queues) = (await NodeLoad.SessionsAsync(connection), await QueuesOfPoolsAsync(connection));
        return [.. nodes.All.Where(n => MaySee(caller, n)).Select(n => View(n, new NodeLoad(n, [.. sessions[n.Row.Instance]]), queues))];
    }

    public async Task<NodeView> FindAsync(Caller caller, string nameOrId, CancellationToken ct)
    {
        var node = Require(caller, nameOrId);
        await using var connection = await db.OpenAsync(ct);
        var sessions = await NodeLoad.SessionsAsync(connection);
        return View(node, new NodeLoad(node, [.. sessions[node.Row.Instance]]), await QueuesOfPoolsAsync(connection));
    }

    /// <exception cref="ProblemException">There is none that the caller may see.</exception>
    public NodeEntry Require(Caller caller, string nameOrId) =>
        nodes.All.FirstOrDefault(n => MaySee(caller, n)
            && (string.Equals(n.Row.Name, nameOrId, StringComparison.OrdinalIgnoreCase) || string.Equals(n.Row.Id, nameOrId, StringComparison.OrdinalIgnoreCase)))
        ?? throw new ProblemException(ProblemCode.NotFound, $"You have no machine '{nameOrId}'. List them: `berth node list`.");

    private static bool MaySee(Caller caller, NodeEntry node) => caller.IsAdmin || node.Row.OwnerId == caller.UserId;

    private static async Task<HashSet<string>> QueuesOfPoolsAsync(DbConnection connection) =>
        (await connection.QueryAsync<string>("SELECT queues FROM resource_pools WHERE queues IS NOT NULL"))
            .SelectMany(json => JsonSerializer.Deserialize(json, BerthJson.Default.IReadOnlyListString) ?? []).ToHashSet(StringComparer.OrdinalIgnoreCase);

    // Most likely misspelt, and else nobody would find out.
    private static string? Unknown(IReadOnlyList<string> queues, HashSet<string> ofPools) =>
        queues.FirstOrDefault(q => !ofPools.Contains(q)) is { } queue ? $"No pool has the queue '{queue}': no session comes from it." : null;

    private NodeView View(NodeEntry node, NodeLoad load, HashSet<string> queues)
    {
        var row = node.Row;
        var problem = row.OwnerDisabled ? $"{row.OwnerName}, whom alone it serves, is disabled: it is not let in." : (node.IsConnected ? null : node.Link.Absence?.Words) ?? load.Facts?.Problem ?? load.Facts?.GpuProblem ?? Unknown(load.Offer.Queues, queues);
        return new NodeView(
            row.Id, row.Name, node.StateAt(clock.GetUtcNow()), row.Draining, row.OwnerName, load.Offer.Queues, load.Offer.Fair, load.Offer.Labels, load.Offer.Uptime, load.Offer.Uptime is null ? null : load.Offer.TimeZone ?? TimeZoneInfo.Utc.Id,
            NodeLoad.Amounts(load.Said), NodeLoad.Amounts(load.Measured), NodeLoad.Amounts(load.Offered), NodeLoad.Amounts(load.Free),
            [.. (load.Facts?.Gpus ?? []).Select(g => $"{g.Index}: {g.Name}")],
            [.. load.Sessions.Select(s => new NodeSession(s.Id, s.Name, s.Username, s.Status, s.Resources.Gpu.Ids))],
            load.Facts?.Engine, row.Version, problem, load.Facts?.Isolation,
            DateTimeOffset.FromUnixTimeMilliseconds(row.JoinedAt), node.IsConnected ? clock.GetUtcNow() : row.LastSeen is null ? null : node.Link.Heard);
    }
}
