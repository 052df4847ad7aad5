using Berth.Contracts.Environments;
using Berth.Contracts.Launchers;
using Berth.Contracts.Pools;
using Berth.Contracts.Projects;
using Berth.Server.Auth;
using Berth.Server.Environments;
using Berth.Server.Launchers;
using Berth.Server.Pools;
using Berth.Server.Projects;

namespace Berth.Server.Web;

/// <summary>What a caller may start, and where: what forms offer.</summary>
public sealed class Choices(LauncherStore launchers, EnvironmentStore environments, PoolStore pools, ProjectStore projects)
{
    public async Task<Offered> LoadAsync(Caller caller, CancellationToken ct) => new(
        await launchers.ListAsync(caller, null, ct),
        await environments.ListAsync(includeArchived: false, ct),
        await pools.ListAsync(caller, null, ct),
        await projects.ListAsync(caller, ct));
}

/// <summary>See <see cref="Choices"/>.</summary>
public sealed record Offered(
    IReadOnlyList<LauncherView> Launchers, IReadOnlyList<EnvironmentView> Environments, IReadOnlyList<PoolView> Pools,
    IReadOnlyList<ProjectView> Projects);
