using System.Data.Common;
using Berth.Providers.Nodes;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Server.Nodes;

/// <summary>
/// Saves what nodes say, all of them in one write and at most once in a while, however often they say something. While the
/// database is of no use, memory has it, and it is saved later.
/// </summary>
public sealed class NodeSaver(NodeDirectory nodes, NodeLimits limits, TimeProvider clock, ILogger<NodeSaver> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            for (var failures = 0; ;)
            {
                await nodes.UnsavedAsync(stoppingToken);
                failures = await SaveAsync(failures);
                await PauseAsync(failures, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await SaveAsync(0); // What was said last, that they are gone among it.
        }
    }

    private async Task PauseAsync(int failures, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var pause = Task.Delay(failures == 0 ? limits.SaveEvery : RetryDelay.After(failures), clock, over.Token);
        await Task.WhenAny(pause, failures == 0 ? nodes.BegunAsync(over.Token) : pause);
        await over.CancelAsync();
    }

    /// <returns>How often it failed in a row.</returns>
    private async Task<int> SaveAsync(int failures)
    {
        try
        {
            await nodes.SaveAsync(CancellationToken.None);
            return 0;
        }
        catch (DbException e)
        {
            if (failures == 0)
                log.LogWarning("What machines say of themselves cannot be saved now, and is later: {Why}", e.Message);
            return failures + 1;
        }
    }
}
