using System.Collections.Concurrent;
using System.Data.Common;
using Berth.Core;
using Berth.Core.Ids;
using Berth.Server.Proxy;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Connections;

/// <summary>
/// Writes down who is connected to which session. Connections are noted in memory: none of them waits for the database.
/// What begins or ends is written at once, together with what does so in the same moment; how much has passed, every few
/// seconds. A row says of itself when it was last seen, and one whose server is gone is closed at that moment, by the next
/// server to look.
/// </summary>
public sealed class ConnectionLog(Db db, TimeProvider clock, ILogger<ConnectionLog> log) : BackgroundService
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(5);

    // Between two writes: what comes in a crowd is written in a few.
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_goneAfter = TimeSpan.FromMinutes(2);

    // A browser asks, and is silent, and asks again: one that does within this time has not left.
    private static readonly TimeSpan s_browserStays = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string SessionId, string Stream), NotedConnection> _noted = new();
    private readonly Wakeup _changed = new();
    private readonly SemaphoreSlim _writing = new(1);

    /// <summary>A stream begins, or comes back.</summary>
    public NotedConnection Begin(string sessionId, string userId, string stream, string kind, string? target, string from)
    {
        while (true)
        {
            var noted = _noted.GetOrAdd((sessionId, stream), _ => New(sessionId, stream, userId, kind, target, from, TimeSpan.Zero));
            if (noted.Enter())
                return noted;
        }
    }

    /// <summary>A browser reaches a session. It is one visit until it has not done so for a while.</summary>
    public NotedConnection BeginVisit(SessionOrigin origin, string userId, string from)
    {
        var target = origin.Port is { } port ? $"port {port}" : null;
        var noted = New(origin.SessionId, Ulid.New(clock), userId, "browser", target, from, s_browserStays);
        _noted[(noted.SessionId, noted.Stream)] = noted;
        noted.Enter();
        return noted;
    }

    /// <summary>Writes what has changed.</summary>
    public async Task WriteAsync(CancellationToken ct)
    {
        // What was taken first is written first.
        await _writing.WaitAsync(ct);
        try
        {
            await WriteDueAsync(ct);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Closes rows that a server left open which is gone.</summary>
    /// <param name="all">This is the only server, and it has just started.</param>
    /// <param name="ct">Cancels.</param>
    public Task CloseLostAsync(bool all, CancellationToken ct) => db.ExecuteAsync(
        "UPDATE connections SET ended_at = seen_at, lost = @yes WHERE ended_at IS NULL AND seen_at < @before",
        new { yes = true, before = all ? long.MaxValue : Now - (long)s_goneAfter.TotalMilliseconds }, ct);

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // SQLite has one server.
        await CloseLostAsync(db.IsSqlite, cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        foreach (var noted in _noted.Values)
            noted.Close();
        await TryAsync(WriteAsync, cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(LookAroundAsync(stoppingToken), WriteChangesAsync(stoppingToken));

    private async Task WriteChangesAsync(CancellationToken ct)
    {
        while (true)
        {
            await _changed.WaitAsync(ct);
            await TryAsync(WriteAsync, ct);
            await Task.Delay(s_rest, clock, ct);
        }
    }

    private async Task LookAroundAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(s_every, clock);
        while (await timer.WaitForNextTickAsync(ct))
        {
            Changed();
            await TryAsync(closing => CloseLostAsync(all: false, closing), ct);
        }
    }

    private async Task WriteDueAsync(CancellationToken ct)
    {
        var due = _noted.Values.Where(noted => noted.IsDue()).ToList();
        if (due.Count == 0)
            return;
        var rows = due.Select(noted => noted.Take()).ToList();
        try
        {
            await db.WriteAsync(connection => SaveAsync(connection, rows), ct);
        }
        catch
        {
            foreach (var noted in due)
                noted.GiveBack();
            throw;
        }
        foreach (var noted in due.Where(noted => noted.Forget()))
            _noted.TryRemove(new((noted.SessionId, noted.Stream), noted));
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private void Changed() => _changed.Set();

    private NotedConnection New(string sessionId, string stream, string userId, string kind, string? target, string from, TimeSpan stays) =>
        new(Ulid.New(clock), sessionId, stream, userId, kind, target, from, stays, clock, Changed);

    private static async Task SaveAsync(DbConnection connection, List<ConnectionRow> rows)
    {
        foreach (var row in rows)
        {
            // A session that was forgotten meanwhile takes its connections with it.
            await connection.ExecuteAsync(
                """
                INSERT INTO connections (id, session_id, stream, user_id, kind, target, address, started_at, seen_at, ended_at, lost, bytes_in, bytes_out)
                SELECT @Id, @SessionId, @Stream, @UserId, @Kind, @Target, @Address, @StartedAt, @SeenAt, @EndedAt, @Lost, @BytesIn, @BytesOut
                FROM sessions WHERE id = @SessionId
                ON CONFLICT (session_id, stream) DO UPDATE SET
                    seen_at = excluded.seen_at, ended_at = excluded.ended_at, lost = excluded.lost,
                    bytes_in = CASE WHEN excluded.bytes_in > connections.bytes_in THEN excluded.bytes_in ELSE connections.bytes_in END,
                    bytes_out = CASE WHEN excluded.bytes_out > connections.bytes_out THEN excluded.bytes_out ELSE connections.bytes_out END
                """,
                row);
        }
    }

    private async Task TryAsync(Func<CancellationToken, Task> work, CancellationToken ct)
    {
        try
        {
            await work(ct);
        }
        catch (Exception e) when (e is DbException or TimeoutException or OperationCanceledException)
        {
            log.LogWarning("Connections could not be written down, and are in a moment: {Why}", e.Message);
        }
    }
}
