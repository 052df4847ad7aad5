using System.Data.Common;
using System.Globalization;
using Dapper;

namespace Berth.Server.Storage;

/// <summary>
/// Brings the database to this program's schema: numbered SQL files, each in a transaction of its own with its number.
/// Several servers may do it at once; a database that is newer than the program is refused.
/// </summary>
public sealed class Migrator(Db db, TimeProvider clock, ILogger<Migrator> log)
{
    /// <summary>Any constant will do: it names the lock under which PostgreSQL's schema changes.</summary>
    private const long PostgresLock = 0x6265727468;

    private static readonly IReadOnlyList<Migration> Known = [.. Load()];

    /// <summary>Number of the newest schema that this program knows.</summary>
    public static int Newest => Known[^1].Number;

    /// <param name="thenOnce">What a first start makes: servers that start together do it one after the other.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="upTo">For tests of migrations: the last one to apply.</param>
    /// <exception cref="StartupException">The database is newer than this program, or cannot be used.</exception>
    public async Task RunAsync(Func<CancellationToken, Task>? thenOnce, CancellationToken ct, int upTo = int.MaxValue)
    {
        try
        {
            if (db.SqliteFile is { } file)
                CreateFile(file);
            // The lock is a connection's own, not a transaction's: a serializable transaction that waits for it would go on
            // with what it saw before.
            await using var held = await db.OpenAsync(ct);
            await held.ExecuteAsync(db.IsSqlite ? "PRAGMA journal_mode = WAL" : "SELECT pg_advisory_lock(@PostgresLock)", new { PostgresLock });
            while (await db.WriteAsync(connection => StepAsync(connection, upTo), ct) is { } applied)
                log.LogInformation("Database schema is now at {Number} ({Name})", applied.Number, applied.Name);
            if (thenOnce is not null)
                await thenOnce(ct);
            if (!db.IsSqlite)
                await held.ExecuteAsync("SELECT pg_advisory_unlock(@PostgresLock)", new { PostgresLock });
        }
        catch (DbException e)
        {
            throw new StartupException($"The database cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Only where it is not there: to close any handle of a database gives up this process's locks on it.</summary>
    private static void CreateFile(string file)
    {
        try
        {
            // Nobody else reads it; SQLite gives the files beside it the same mode.
            if (!File.Exists(file))
                File.Open(file, Backups.OwnersOnly).Dispose();
        }
        catch (IOException) when (File.Exists(file))
        {
            // Somebody else was faster.
        }
    }

    /// <summary>Applies the next migration; null: there is none left.</summary>
    private async Task<Migration?> StepAsync(DbConnection connection, int upTo)
    {
        await connection.ExecuteAsync("CREATE TABLE IF NOT EXISTS schema_version (number integer PRIMARY KEY, applied_at bigint NOT NULL)");
        var present = await connection.ExecuteScalarAsync<int?>("SELECT max(number) FROM schema_version") ?? 0;
        if (present > Newest)
        {
            throw new StartupException(
                $"The database was made by a newer Berth (its schema is {present}, this program knows {Newest}): "
                + "start that version or a later one, or restore a backup that is older.");
        }

        var next = Known.FirstOrDefault(m => m.Number > present && m.Number <= upTo);
        if (next is null)
            return null;
        await connection.ExecuteAsync(next.Sql);
        await connection.ExecuteAsync(
            "INSERT INTO schema_version (number, applied_at) VALUES (@Number, @Now)",
            new { next.Number, Now = clock.GetUtcNow().ToUnixTimeMilliseconds() });
        return next;
    }

    private static IEnumerable<Migration> Load()
    {
        var assembly = typeof(Migrator).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return new Migration(int.Parse(name.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture), name[5..^4], reader.ReadToEnd());
        }
    }

    private sealed record Migration(int Number, string Name, string Sql);
}
