using System.Data.Common;
using System.Text.Json;
using Berth.Contracts.Environments;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Server.Auth;
using Berth.Server.Live;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Environments;

/// <summary>Global environments: every user reads them, admins keep them. Custom ones belong to their launcher and show in it.</summary>
public sealed class EnvironmentStore(Db db, ChangeFeed feed, TimeProvider clock)
{
    public async Task<List<EnvironmentView>> ListAsync(bool includeArchived, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var rows = await connection.QueryAsync<EnvironmentRow>(
            "SELECT * FROM environments WHERE kind = 'GLOBAL' AND (is_archived = false OR @includeArchived = true) ORDER BY id", new { includeArchived });
        return [.. rows.Select(r => r.View())];
    }

    public async Task<EnvironmentView> FindAsync(string id, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return (await FindGlobalAsync(connection, id) ?? throw NotFound(id)).View();
    }

    public async Task<EnvironmentView> CreateAsync(Caller caller, EnvironmentRequest request, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(caller);
        var environment = EnvironmentRules.Checked(request, EnvironmentRow.Global);
        var id = await db.WriteAsync(connection => EnvironmentRow.InsertAsync(connection, environment, caller.UserId, clock), ct);
        feed.Publish(new Change("environment", id), null);
        return await FindAsync(id, ct);
    }

    public async Task<EnvironmentView> EditAsync(string id, JsonElement patch, CancellationToken ct)
    {
        var edited = await db.WriteAsync(async connection =>
        {
            var row = await FindGlobalAsync(connection, id) ?? throw NotFound(id);
            await EnvironmentRow.UpdateAsync(connection, row.Id, EnvironmentRules.Checked(MergePatch.Apply(row.Request(), patch), EnvironmentRow.Global));
            return row.Id;
        }, ct);
        feed.Publish(new Change("environment", edited), null);
        return await FindAsync(edited, ct);
    }

    /// <summary>What is not there is deleted already; what launchers use is kept.</summary>
    public async Task DeleteAsync(string id, CancellationToken ct)
    {
        var deleted = await db.WriteAsync(async connection =>
        {
            if (await FindGlobalAsync(connection, id) is not { } row)
                return null;
            // Unlisted launchers are of ad-hoc starts: they matter only as long as their session lives.
            var users = await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM session_launchers WHERE environment_id = @Id AND listed = true", new { row.Id });
            if (users > 0)
                throw InUse(row, $"{users} launcher{(users == 1 ? " uses" : "s use")} it");
            var sessions = await connection.ExecuteScalarAsync<int>(
                "SELECT count(*) FROM sessions s JOIN session_launchers l ON l.id = s.launcher_id WHERE l.environment_id = @Id AND s.status <> 'ended'", new { row.Id });
            if (sessions > 0)
                throw InUse(row, $"{sessions} session{(sessions == 1 ? " is" : "s are")} started from it");
            await connection.ExecuteAsync("DELETE FROM session_launchers WHERE environment_id = @Id AND listed = false", new { row.Id });
            await connection.ExecuteAsync("DELETE FROM environments WHERE id = @Id", new { row.Id });
            return row.Id;
        }, ct);
        if (deleted is not null)
            feed.Publish(new Change("environment", deleted, Gone: true), null);
    }

    internal static Task<EnvironmentRow?> FindGlobalAsync(DbConnection connection, string id) =>
        connection.QuerySingleOrDefaultAsync<EnvironmentRow?>(
            "SELECT * FROM environments WHERE id = @Id AND kind = 'GLOBAL'", new { Id = id.ToUpperInvariant() });

    private static ProblemException NotFound(string id) =>
        new(ProblemCode.NotFound, $"There is no environment '{id}'. List them: `berth environment list`.");

    private static ProblemException InUse(EnvironmentRow row, string how) =>
        new(ProblemCode.Conflict, $"Environment '{row.Name}' cannot be deleted: {how}. Archive it instead, and it is offered no more.");
}
