using System.Data.Common;
using Berth.Server.Options;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Sessions;

/// <summary>
/// Forgets sessions that ended long ago, with their events and with what an ad-hoc start made for them alone. A session
/// whose work is still kept is not forgotten: its row is what the work is found and deleted by.
/// </summary>
/// <remarks>
/// In transactions of a few rows with a rest between them, so that nobody waits. Both databases use the room again by
/// themselves: the file does not shrink, and does not grow either. With replicas each does it; what is gone is gone.
/// </remarks>
public sealed class HistoryKeeper(Db db, ServerOptions options, TimeProvider clock, ILogger<HistoryKeeper> log) : BackgroundService
{
    /// <summary>Sessions in one transaction.</summary>
    public const int Batch = 100;

    private static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.HistoryDays == 0)
            return;
        using var timer = new PeriodicTimer(Every, clock);
        do
        {
            try
            {
                await ForgetAsync(stoppingToken);
            }
            catch (Exception e) when (e is DbException or TimeoutException)
            {
                log.LogWarning("Old sessions could not be forgotten, and are in an hour: {Why}", e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Forgets everything that is due. Returns how many sessions that were.</summary>
    public async Task<int> ForgetAsync(CancellationToken ct)
    {
        var before = clock.GetUtcNow().AddDays(-options.HistoryDays).ToUnixTimeMilliseconds();
        var forgotten = 0;
        while (true)
        {
            var now = await db.WriteAsync(connection => ForgetSomeAsync(connection, before), ct);
            forgotten += now;
            if (now < Batch)
                break;
            await Task.Delay(Rest, clock, ct);
        }

        // A session that lasts outlives most of its connections.
        await db.ExecuteAsync("DELETE FROM connections WHERE ended_at < @before", new { before }, ct);
        if (forgotten > 0)
            log.LogInformation("Forgot {Count} sessions that ended more than {Days} days ago", forgotten, options.HistoryDays);
        return forgotten;
    }

    private static async Task<int> ForgetSomeAsync(DbConnection connection, long before)
    {
        // Ended, released by its provider, and its work deleted: nothing acts on it any more.
        var sessions = (await connection.QueryAsync<Over>(
            """
            SELECT id, launcher_id FROM sessions
            WHERE status = 'ended' AND status_since < @before AND step = 'stopped' AND has_workspace = @no
            ORDER BY status_since LIMIT @Batch
            """,
            new { before, no = false, Batch })).ToList();
        await connection.ExecuteAsync("DELETE FROM session_events WHERE session_id = @Id", sessions);
        await connection.ExecuteAsync("DELETE FROM sessions WHERE id = @Id", sessions);
        foreach (var launcher in sessions.Select(s => s.LauncherId).Distinct())
            await ForgetLauncherAsync(connection, launcher);
        return sessions.Count;
    }

    /// <summary>An ad-hoc start made it, and perhaps an environment, for sessions that are no more.</summary>
    private static async Task ForgetLauncherAsync(DbConnection connection, string launcher)
    {
        if (await connection.QuerySingleOrDefaultAsync<string?>(
            """
            DELETE FROM session_launchers
            WHERE id = @launcher AND listed = @no AND NOT EXISTS (SELECT 1 FROM sessions WHERE launcher_id = @launcher)
            RETURNING environment_id
            """,
            new { launcher, no = false }) is { } environment)
        {
            await connection.ExecuteAsync(
                "DELETE FROM environments WHERE id = @environment AND kind = 'CUSTOM' AND NOT EXISTS (SELECT 1 FROM session_launchers WHERE environment_id = @environment)",
                new { environment });
        }
    }

    private sealed class Over
    {
        public string Id { get; init; } = "";
        public string LauncherId { get; init; } = "";
    }
}
