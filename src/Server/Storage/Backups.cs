using Berth.Contracts.Problems;
using Berth.Server.Options;
using Berth.Server.Problems;
using Dapper;

namespace Berth.Server.Storage;

/// <summary>
/// The SQLite database as one file, consistent, while the server works. Neither keys nor workspaces are in it: the former
/// are kept apart so that a backup that is stolen opens nothing, the latter are the engine's.
/// </summary>
public sealed class Backups(Db db, ServerOptions options)
{
    /// <summary>How names of unfinished ones begin, in the data folder.</summary>
    private const string Draft = "berth.db.backup-";

    /// <summary>A backup to read once; it is gone when the stream is closed.</summary>
    /// <exception cref="ProblemException">The database is not SQLite.</exception>
    public async Task<Stream> TakeAsync(CancellationToken ct)
    {
        if (options.DatabaseUrl is not null)
            throw new ProblemException(ProblemCode.Conflict, "This server keeps its data in PostgreSQL: back it up with `pg_dump`, as your other databases.");
        // Of a server that was killed while it made one.
        foreach (var old in Directory.EnumerateFiles(options.DataFolder, Draft + "*").Where(IsOld))
            File.Delete(old);
        var path = Path.Combine(options.DataFolder, Draft + Guid.NewGuid().ToString("N"));
        try
        {
            File.Open(path, OwnersOnly).Dispose();
            await using (var connection = await db.OpenAsync(ct))
            {
                // The library's calls block: on a thread that may be.
                await Task.Run(() => connection.Execute("VACUUM INTO @path", new { path }), ct);
            }

            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None, 128 * 1024, FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        finally
        {
            // Whoever has it open still reads it.
            File.Delete(path);
        }
    }

    /// <summary>For files that only their owner may read.</summary>
    internal static FileStreamOptions OwnersOnly => new()
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.Write,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    };

    private static bool IsOld(string file) => File.GetLastWriteTimeUtc(file) < File.GetLastWriteTimeUtc("/proc/self");
}
