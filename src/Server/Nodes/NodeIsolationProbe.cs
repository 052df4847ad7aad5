using Berth.Contracts.Health;
using Berth.Server.Health;

namespace Berth.Server.Nodes;

/// <summary>
/// Tells which machines do not shut sessions off as they should: of those that serve pools, and so run sessions of people who
/// are strangers to one another. Whoever lets a machine serve them alone sees it in the list of theirs.
/// </summary>
internal sealed class NodeIsolationProbe(NodeDirectory nodes) : IHealthProbe
{
    public Task<HealthCheck> CheckAsync(CancellationToken ct)
    {
        var open = nodes.All.Where(n => n.Row.OwnerId is null && n.Row.FactsOf?.Isolation is not null).ToList();
        return Task.FromResult(new HealthCheck(
            "isolation_on_machines", open.Count == 0, open.Count == 0 ? null : string.Join(' ', open.Select(n => $"{n.Row.Name}: {n.Row.FactsOf!.Isolation}"))));
    }
}
