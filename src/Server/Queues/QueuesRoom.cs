using Berth.Contracts.Nodes;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Pools;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Queues;

/// <summary>Sessions that wait in line for a machine.</summary>
public static class QueuesRoom
{
    public static IServiceCollection AddQueues(this IServiceCollection services) => services
        .AddSingleton<LineBoard>()
        .AddSingleton<LineEntry>()
        .AddSingleton<RoundReader>()
        .AddSingleton<Rounds>()
        .AddSingleton<QueueQueries>()
        .AddHostedService<LineStartup>();

    public static IEndpointRouteBuilder MapQueues(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/berth/queues").WithTags("nodes");
        api.MapGet("", ListAsync).WithSummary("The queues of the pools that you may use, and how many wait in them");
        return routes;
    }

    private static async Task<Ok<List<QueueView>>> ListAsync(Caller caller, QueueQueries queues, CancellationToken ct) =>
        TypedResults.Ok(await queues.ListAsync(caller, ct));
}

/// <summary>Queues as they are shown: how long they are, not who stands in them.</summary>
public sealed class QueueQueries(PoolStore pools, NodeDirectory nodes, LineBoard board, Db db, TimeProvider clock)
{
    public async Task<List<QueueView>> ListAsync(Caller caller, CancellationToken ct)
    {
        var mine = await pools.ListAsync(caller, null, ct);
        await using var connection = await db.OpenAsync(ct);
        var running = (await NodeLoad.SessionsAsync(connection)).SelectMany(s => s).Where(s => s.Holds).CountBy(s => s.Place?.Queue ?? NodeRoutes.DefaultQueue, StringComparer.OrdinalIgnoreCase).ToDictionary(StringComparer.OrdinalIgnoreCase);
        return [.. mine.SelectMany(p => p.Queues ?? [], (pool, queue) => (pool, queue)).GroupBy(q => q.queue, q => q.pool.Name, StringComparer.OrdinalIgnoreCase).Select(q =>
        {
            var machines = nodes.All.Where(n => n.Row.Serves(caller.UserId, q.Key)).ToList();
            return new QueueView(
                q.Key, [.. q], machines.Count, machines.Count(n => n.StateAt(clock.GetUtcNow()) == "ready"), board.CountOf(q.Key), running.GetValueOrDefault(q.Key));
        })];
    }
}

/// <summary>Before the reconciler begins: sessions without a machine have a loop of their own, and who holds its lease makes the rounds.</summary>
internal sealed class LineStartup(ProviderInstances instances, Rounds rounds) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        instances.Add(new ProviderInstance(ProviderNames.Line, new NoCompute(), AgentsByNetwork: true) { Beside = rounds.RunAsync });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
