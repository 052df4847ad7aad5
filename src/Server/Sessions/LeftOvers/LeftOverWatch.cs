using System.Data.Common;
using Berth.Contracts.Health;
using Berth.Server.Health;
using Berth.Server.Problems;

namespace Berth.Server.Sessions.LeftOvers;

/// <summary>Looks for left-overs a while after the start and once an hour, and tells the health of workspaces without a session.</summary>
public sealed class LeftOverWatch(LeftOverFolders folders, Orphans orphans, TimeProvider clock, ILogger<LeftOverWatch> log) : BackgroundService, IHealthProbe
{
    private static readonly TimeSpan First = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    // Written by the look's own task.
    private volatile int _found;

    /// <inheritdoc/>
    public Task<HealthCheck> CheckAsync(CancellationToken ct) => Task.FromResult(new HealthCheck(
        "workspaces", true, _found == 0 ? null : $"{_found} belong to no session, as after a backup was restored: `berth server orphans list`."));

    /// <summary>One look.</summary>
    public async Task LookAsync(CancellationToken ct)
    {
        try
        {
            await folders.RemoveAsync(ct);
            var found = (await orphans.ListAsync(sizes: false, ct)).Workspaces.Count;
            if (found > _found)
                log.LogWarning("{Count} workspaces belong to no session; they are kept. An admin gives or deletes them: berth server orphans list", found);
            _found = found;
        }
        catch (Exception e) when (e is DbException or ProblemException or IOException or TimeoutException)
        {
            log.LogWarning("Left-overs are looked for in an hour again: {Why}", e.Message);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var wait = First; ; wait = Every)
        {
            await Task.Delay(wait, clock, stoppingToken);
            await LookAsync(stoppingToken);
        }
    }
}
