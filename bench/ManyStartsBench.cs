using System.Diagnostics;
using Berth.Contracts.Pools;
using Berth.Contracts.Sessions;

namespace Berth.Bench;

/// <summary>Twenty people start JupyterLab at the same moment.</summary>
public static class ManyStartsBench
{
    private const int Count = 20;

    public static async Task<Table> RunAsync(BenchServer server)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var pool = new PoolRequest("bench-many", [new ClassRequest("one core", 1, 1, 0, 10, Default: true)], Public: true);
        await server.CreatePoolAsync(pool, limit.Token);
        var watch = Stopwatch.StartNew();
        var ready = await Task.WhenAll(Enumerable.Range(0, Count).Select(async i =>
        {
            var (session, _) = await server.Client.StartSessionAsync(
                new StartRequest(Image: "berth/jupyterlab:latest", Name: $"many-{i}", PoolName: pool.Name, Port: 8888), limit.Token);
            await server.UntilAsync(session.Id, "running", limit.Token);
            return watch.Elapsed.TotalMilliseconds;
        }));
        return new Table($"{Count} starts of JupyterLab at once", "POST to ready", "", "ms")
            .Add("the first", ready.Min(), "no error")
            .Add("the last", ready.Max(), "no error");
    }
}
