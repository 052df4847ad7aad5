using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Contracts.Environments;
using Berth.Contracts.Launchers;
using Berth.Contracts.Pools;

namespace Berth.Cli.Commands.Sessions;

/// <summary>From names as typed to what the server knows by id.</summary>
internal static class StartChoices
{
    public static async Task<LauncherView> LauncherAsync(Server server, string name, CancellationToken ct) =>
        Names.Pick(name, await server.Client.ListLaunchersAsync(ct), launcher => [launcher.Name, launcher.Id], "launcher", "berth launcher list");

    public static async Task<EnvironmentView> EnvironmentAsync(Server server, string name, CancellationToken ct) =>
        Names.Pick(name, await server.Client.ListEnvironmentsAsync(ct), environment => [environment.Name, environment.Id], "environment", "berth environment list");

    /// <summary>For starts that say nothing: the oldest global environment, which is the one that ships unless an admin removed it.</summary>
    public static async Task<EnvironmentView> StandardEnvironmentAsync(Server server, CancellationToken ct) =>
        (await server.Client.ListEnvironmentsAsync(ct)).MinBy(environment => environment.CreationDate)
        ?? throw CliException.NotFound("There is no environment to start. Name an image: `berth session start --image IMAGE`.");

    public static async Task<string> ProjectAsync(Server server, string name, CancellationToken ct) =>
        Names.Pick(name, await server.Client.ListProjectsAsync(ct),
            project => [$"{project.Namespace}/{project.Slug}", project.Name, project.Slug, project.Id], "project", "berth project list").Id;

    public static async Task<string> PoolAsync(Server server, string name, CancellationToken ct) =>
        Names.Pick(name, await server.Client.ListPoolsAsync(ct), Pool, "pool", "berth pool list").Name;

    /// <summary>A class by id or name: of the pool that was named, else of the default pool, else of any.</summary>
    public static async Task<ClassView> ClassAsync(Server server, string name, string? pool, CancellationToken ct)
    {
        var pools = await server.Client.ListPoolsAsync(ct);
        var within = pool is null ? pools.Where(candidate => candidate.Default) : [Names.Pick(pool, pools, Pool, "pool", "berth pool list")];
        var classes = within.SelectMany(candidate => candidate.Classes).ToList();
        if (pool is null && !classes.Any(candidate => Class(candidate).Any(known => known.StartsWith(name, StringComparison.OrdinalIgnoreCase))))
            classes = [.. pools.SelectMany(candidate => candidate.Classes)];
        return Names.Pick(name, classes, Class, "class", "berth class list");
    }

    private static string[] Pool(PoolView pool) => [pool.Name, pool.Id.ToString()];

    private static string[] Class(ClassView candidate) => [candidate.Name, candidate.Id.ToString()];
}
