using Berth.Core.Ids;
using Berth.Server.Options;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Sessions.LeftOvers;

/// <summary>
/// Removes folders of this server's data that no session needs: those with orders, tokens and sockets, and logs. They hold
/// nobody's work. A data folder has one server, so no other one's are met.
/// </summary>
public sealed class LeftOverFolders(ServerOptions options, Db db, ILogger<LeftOverFolders> log)
{
    /// <summary>Removes them. Returns how many.</summary>
    public async Task<int> RemoveAsync(CancellationToken ct)
    {
        // Rows are read after what is there: a start adds its row before its folder is made.
        var folders = new[] { options.SessionsFolder, options.LogsFolder }.Where(Directory.Exists).SelectMany(Directory.GetDirectories)
            .Where(folder => Ulid.IsValid(Path.GetFileName(folder).ToUpperInvariant())).ToList();
        if (folders.Count == 0)
            return 0;
        await using var connection = await db.OpenAsync(ct);
        var needed = (await connection.QueryAsync<string>("SELECT id FROM sessions WHERE status <> 'ended' OR has_workspace = @yes", new { yes = true }))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        var removed = 0;
        foreach (var folder in folders.Where(folder => !needed.Contains(Path.GetFileName(folder))))
        {
            try
            {
                Directory.Delete(folder, recursive: true);
                removed++;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                log.LogWarning("{Folder} is of no session and could not be removed: {Why}", folder, e.Message);
            }
        }

        if (removed > 0)
            log.LogInformation("Removed {Count} folders of sessions that are no more", removed);
        return removed;
    }
}
