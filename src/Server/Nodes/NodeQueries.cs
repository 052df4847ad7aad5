using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Storage;

namespace Berth.Server.Nodes;

/// <summary>Nodes as they are shown: to admins all of them, to others their own. Whoever owns a machine sees what runs on it.</summary>
public sealed class NodeQueries(NodeDirectory nodes, Db db, TimeProvider clock)
{
    public async Task<List<NodeView>> ListAsync(Caller caller, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var sessions = await NodeLoad.SessionsAsync(connection);
        return [.. nodes.All.Where(n => MaySee(caller, n)).Select(n => View(n, new NodeLoad(n, [.. sessions[n.Row.Instance]])))];
    }

    public async Task<NodeView> FindAsync(Caller caller, string nameOrId, CancellationToken ct)
    {
        var node = Require(caller, nameOrId);
        await using var connection = await db.OpenAsync(ct);
        var sessions = await NodeLoad.SessionsAsync(connection);
        return View(node, new NodeLoad(node, [.. sessions[node.Row.Instance]]));
    }

    /// <exception cref="ProblemException">There is none that the caller may see.</exception>
    public NodeEntry Require(Caller caller, string nameOrId) =>
        nodes.All.FirstOrDefault(n => MaySee(caller, n)
            && (string.Equals(n.Row.Name, nameOrId, StringComparison.OrdinalIgnoreCase) || string.Equals(n.Row.Id, nameOrId, StringComparison.OrdinalIgnoreCase)))
        ?? throw new ProblemException(ProblemCode.NotFound, $"You have no machine '{nameOrId}'. List them: `berth node list`.");

    private static bool MaySee(Caller caller, NodeEntry node) => caller.IsAdmin || node.Row.OwnerId == caller.UserId;

    private NodeView View(NodeEntry node, NodeLoad load)
    {
        var row = node.Row;
        var problem = node.Link.Absence?.Words ?? load.Facts?.Problem;
        var open = load.Offer.Uptime is not { } uptime || NodeRules.Window(uptime, load.Offer.TimeZone).IsOpen(clock.GetUtcNow());
        var state = !node.Link.IsConnected ? "away" : load.Facts?.Problem is not null ? "unwell" : row.Draining ? "draining" : open ? "ready" : "closed";
        return new NodeView(
            row.Id, row.Name, state, row.OwnerName, load.Offer.Queues, load.Offer.Fair, load.Offer.Labels, load.Offer.Uptime,
            NodeLoad.Amounts(load.Said), NodeLoad.Amounts(load.Measured), NodeLoad.Amounts(load.Offered), NodeLoad.Amounts(load.Free),
            [.. (load.Facts?.Gpus ?? []).Select(g => $"{g.Index}: {g.Name}")],
            [.. load.Sessions.Select(s => new NodeSession(s.Id, s.Name, s.Username, s.Status, s.Resources.Gpu.Ids))],
            load.Facts?.Engine, row.Version, problem,
            DateTimeOffset.FromUnixTimeMilliseconds(row.JoinedAt), node.Link.IsConnected ? clock.GetUtcNow() : row.LastSeen is null ? null : node.Link.Heard);
    }
}
