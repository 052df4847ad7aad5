using System.Collections.Concurrent;
using System.Data.Common;
using Berth.Core.Ids;
using Berth.Server.Proxy;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Connections;

/// <summary>
/// Writes down who is connected to which session. Connections are noted in memory and written together every few seconds:
/// none of them waits for the database. A row says of itself when it was last seen, and one whose server is gone is closed
/// at that moment, by the next server to look.
/// </summary>
public sealed class ConnectionLog(Db db, TimeProvider clock, ILogger<ConnectionLog> log) : BackgroundService
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(5);

    // Open ones are written at least so often, changed or not.
    private static readonly TimeSpan s_seenEvery = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_goneAfter = TimeSpan.FromMinutes(2);

    private readonly ConcurrentDictionary<(string SessionId, string Stream), NotedConnection> _noted = new();

    /// <summary>One begins, or comes back.</summary>
    public NotedConnection Begin(string sessionId, string userId, string stream, string kind, string? target, string from)
    {
        while (true)
        {
            var noted = _noted.GetOrAdd(
                (sessionId, stream),
                _ => new NotedConnection(Ulid.New(clock), sessionId, stream, userId, kind, target, from, Now));
            if (noted.Enter())
                return noted;
        }
    }

    /// <summary>A browser was let into a session's origin: noted once for each of them and sign-in, and over as soon as it has begun.</summary>
    public void NoteBrowser(SessionOrigin origin, string userId, string signInId, string from) =>
        End(origin.Port is { } port
            ? Begin(origin.SessionId, userId, $"{signInId}-{port}", "browser", $"port {port}", from)
            : Begin(origin.SessionId, userId, signInId, "browser", null, from));

    /// <summary>It has ended, or its line is lost: the row can be opened again.</summary>
    public void End(NotedConnection connection) => connection.Leave(Now);

    /// <summary>Writes what has changed.</summary>
    public async Task WriteAsync(CancellationToken ct)
    {
        var now = Now;
        var due = _noted.Values.Where(noted => noted.IsDue(now, s_seenEvery)).ToList();
        if (due.Count == 0)
            return;
        var rows = due.Select(noted => noted.Take(now)).ToList();
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
            noted.Leave(Now);
        await TryAsync(WriteAsync, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_every, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await TryAsync(WriteAsync, stoppingToken);
            await TryAsync(ct => CloseLostAsync(all: false, ct), stoppingToken);
        }
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

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
