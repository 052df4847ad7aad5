using System.Data.Common;
using Dapper;

namespace Berth.Server.Storage;

/// <summary>
/// What servers on one database tell each other: PostgreSQL's NOTIFY, sent by the transaction that changes something, so
/// that it is heard if and only if the change is there. On SQLite there is one server and nobody to tell.
/// </summary>
public sealed class ReplicaChannel(Db db, TimeProvider clock, ILogger<ReplicaChannel> log) : BackgroundService
{
    private const string Name = "berth";
    private const string Probe = "probe ";
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private volatile bool _hearing;
    private long _lastHearing = clock.GetTimestamp();

    /// <summary>Whether all that the others say is heard. While it is not, memory may be out of date: ask the database.</summary>
    public bool IsHearing => db.IsSqlite || _hearing;

    /// <summary>For how long nothing could be heard.</summary>
    public TimeSpan DeafFor => IsHearing ? TimeSpan.Zero : clock.GetElapsedTime(Interlocked.Read(ref _lastHearing));

    /// <summary>Another server, or this one, said this.</summary>
    public event Action<string>? Heard;

    /// <summary>It can hear, and could not before: whoever keeps something in memory reads it anew, and is waited for.</summary>
    public event Func<CancellationToken, Task>? Hearing;

    /// <summary>Says something when the connection's transaction commits.</summary>
    public Task TellAsync(DbConnection connection, string words) =>
        db.IsSqlite ? Task.CompletedTask : connection.ExecuteAsync("SELECT pg_notify(@Name, @words)", new { Name, words });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var silent = false; !db.IsSqlite && !stoppingToken.IsCancellationRequested;)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is DbException or IOException or TimeoutException or OperationCanceledException or InvalidOperationException)
            {
                if (_hearing || !silent)
                    log.LogWarning("Changes that other servers make cannot be heard; until then each request asks the database: {Problem}", e.Message);
                silent = true;
            }
            finally
            {
                if (_hearing)
                    Interlocked.Exchange(ref _lastHearing, clock.GetTimestamp());
                _hearing = false;
            }

            await Task.Delay(Pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenListenerAsync(ct);
        var probe = Probe + Guid.NewGuid().ToString("N");
        var proven = false;
        connection.Notification += (_, notice) =>
        {
            if (!notice.Payload.StartsWith(Probe, StringComparison.Ordinal))
                Heard?.Invoke(notice.Payload);
            else if (notice.Payload == probe)
                proven = true;
        };
        await connection.ExecuteAsync(new CommandDefinition($"LISTEN {Name}", cancellationToken: ct));

        // A pooler on the way may take LISTEN and pass nothing on: believed is what was heard.
        await db.WriteAsync(sender => TellAsync(sender, probe), ct);
        using (var soon = CancellationTokenSource.CreateLinkedTokenSource(ct))
        {
            soon.CancelAfter(ProbeTime);
            try
            {
                while (!proven)
                    await connection.WaitAsync(soon.Token);
            }
            catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
            {
                throw new TimeoutException("what is said with NOTIFY is not heard. A pooler in transaction mode loses it: connect to PostgreSQL itself.", e);
            }
        }

        foreach (var catchUp in Hearing?.GetInvocationList() ?? [])
            await ((Func<CancellationToken, Task>)catchUp)(ct);
        _hearing = true;
        while (true)
            await connection.WaitAsync(ct);
    }
}
