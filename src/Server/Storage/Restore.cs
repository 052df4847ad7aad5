using System.Data.Common;
using System.Globalization;
using Berth.Server.Options;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Berth.Server.Storage;

/// <summary>
/// <c>berth-server restore FILE</c>: puts a backup in the place of the database, while no server runs. What was there is
/// kept beside it. Killed at any moment, it leaves either the former database or the restored one.
/// </summary>
public static class Restore
{
    /// <summary>Restores.</summary>
    /// <returns>What was done, in sentences.</returns>
    /// <exception cref="StartupException">The backup cannot be used; nothing was changed.</exception>
    public static async Task<string> RunAsync(ServerOptions options, string backup, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        if (options.DatabaseUrl is not null)
            throw new StartupException("This server keeps its data in PostgreSQL: restore it with `pg_restore` or `psql`.");
        using var folder = await DataFolderLock.TakeAsync(options, clock);
        SqliteLibrary.Use();
        var draft = options.DatabaseFile + ".restoring";
        try
        {
            Copy(backup, draft);
            var schema = Check(draft, backup);
            var kept = File.Exists(options.DatabaseFile) ? Keep(options.DatabaseFile, clock) : null;
            File.Move(draft, options.DatabaseFile, overwrite: true);
            return $"Restored {backup} (schema {schema})."
                + (kept is null ? "" : $" What was there is kept as {kept}.")
                + " Sessions that began after the backup are stopped when the server starts; their work stays on the engine.";
        }
        catch (IOException e)
        {
            throw new StartupException($"{backup} cannot be restored: {e.Message}", e);
        }
        finally
        {
            File.Delete(draft);
        }
    }

    private static void Copy(string backup, string draft)
    {
        if (!File.Exists(backup))
            throw new StartupException($"There is no file {backup}.");
        File.Delete(draft);
        using var from = File.OpenRead(backup);
        using var to = File.Open(draft, Backups.OwnersOnly);
        from.CopyTo(to);
        to.Flush(flushToDisk: true);
    }

    /// <returns>Number of its schema.</returns>
    private static int Check(string draft, string backup)
    {
        try
        {
            using var connection = Open(draft);
            if (connection.ExecuteScalar<string>("PRAGMA integrity_check") is not "ok" and var fault)
                throw new StartupException($"{backup} is damaged ({fault}); nothing was changed.");
            var schema = connection.ExecuteScalar<int>("SELECT max(number) FROM schema_version");
            if (schema > Migrator.Newest)
                throw new StartupException($"{backup} was made by a newer Berth (its schema is {schema}, this program knows {Migrator.Newest}); nothing was changed.");
            return schema;
        }
        catch (DbException e)
        {
            throw new StartupException($"{backup} is no backup of Berth ({e.Message}); nothing was changed.", e);
        }
    }

    /// <summary>Keeps the present database as one file beside it, the changes among it that are still in its log.</summary>
    private static string Keep(string database, TimeProvider clock)
    {
        var kept = string.Create(CultureInfo.InvariantCulture, $"{database}.before-{clock.GetUtcNow():yyyyMMdd-HHmmss-fff}");
        try
        {
            File.Open(kept, Backups.OwnersOnly).Dispose();
            using var connection = Open(database);
            connection.Execute("VACUUM INTO @kept", new { kept });
        }
        catch (DbException)
        {
            // Damaged, which may be why a backup is restored: then as it is, with its log.
            File.Copy(database, kept, overwrite: true);
            if (File.Exists(database + "-wal"))
                File.Copy(database + "-wal", kept + "-wal", overwrite: true);
        }

        // A log that stays would be played into the restored one.
        File.Delete(database + "-wal");
        File.Delete(database + "-shm");
        return kept;
    }

    private static SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
