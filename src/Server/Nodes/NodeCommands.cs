using Berth.Contracts.Nodes;
using Berth.Server.Auth;

namespace Berth.Server.Nodes;

/// <summary>What owners and admins ask of machines.</summary>
public sealed class NodeCommands(NodeDirectory nodes, NodeQueries queries)
{
    /// <summary>It finishes what runs and takes nothing new; or takes sessions again.</summary>
    public async Task<NodeView> DrainAsync(Caller caller, string node, bool draining, CancellationToken ct)
    {
        var found = queries.Require(caller, node);
        await nodes.DrainAsync(found.Row.Id, draining, ct);
        return await queries.FindAsync(caller, found.Row.Id, ct);
    }
}
