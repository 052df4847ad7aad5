using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Contracts.Launchers;
using Berth.Contracts.Problems;
using Berth.Core.Access;
using Berth.Core.Ids;
using Berth.Server.Auth;
using Berth.Server.Environments;
using Berth.Server.Paging;
using Berth.Server.Pools;
using Berth.Server.Problems;
using Berth.Server.Projects;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Launchers;

/// <summary>Launchers of the projects that the caller may read. Those of ad-hoc starts are in no list.</summary>
public sealed class LauncherStore(Db db, ProjectNews news, TimeProvider clock)
{
    public async Task<List<LauncherView>> ListAsync(Caller caller, string? projectId, CancellationToken ct) =>
        (await ListAsync(caller, projectId, PageRequest.Everything, ct)).Items;

    public Task<PageOf<LauncherView>> ListAsync(Caller caller, string? projectId, PageRequest page, CancellationToken ct) =>
        db.ReadAsync(async connection =>
        {
            var project = projectId is null ? null : await ProjectRow.RequireAsync(connection, caller, projectId, ProjectAction.Read);
            var launchers = await page.QueryAsync<LauncherRow>(
                connection,
                $"""
                SELECT l.* FROM session_launchers l
                WHERE l.listed = true AND (@Project IS NULL OR l.project_id = @Project) AND l.project_id IN (SELECT r.id FROM ({ProjectRow.Readable}) r)
                """,
                "id",
                new { caller.UserId, Project = project?.Id });
            var environments = (await connection.QueryAsync<EnvironmentRow>(
                "SELECT * FROM environments WHERE id IN (SELECT environment_id FROM session_launchers WHERE listed = true)")).ToDictionary(e => e.Id);
            return launchers.Select(l => l.View(environments[l.EnvironmentId]));
        }, ct);

    public Task<LauncherView> FindAsync(Caller caller, string id, CancellationToken ct) =>
        db.ReadAsync(async connection =>
        {
            var row = await RequireAsync(connection, caller, id, ProjectAction.Read);
            return row.View(await EnvironmentOfAsync(connection, row));
        }, ct);

    public async Task<LauncherView> CreateAsync(Caller caller, LauncherRequest request, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(caller);
        var launcher = LauncherRules.Checked(request);
        var choice = EnvironmentChoice.Read(launcher.Environment);
        var id = Ulid.New(clock);
        var projectId = await db.WriteAsync(async connection =>
        {
            var project = await ProjectRow.RequireAsync(connection, caller, launcher.ProjectId, ProjectAction.EditLaunchers, "project_id");
            await CheckResourcesAsync(connection, caller, launcher, null);
            await connection.ExecuteAsync(
                """
                INSERT INTO session_launchers (id, project_id, environment_id, name, description, resource_class_id, disk_storage,
                    launcher_type, env_variables, listed, created_by, created_at)
                VALUES (@id, @ProjectId, @EnvironmentId, @Name, @Description, @ResourceClassId, @DiskStorage, @LauncherType, @Variables, true, @UserId, @Now)
                """,
                new
                {
                    id,
                    ProjectId = project.Id,
                    EnvironmentId = await choice.ApplyAsync(connection, caller, null, clock),
                    launcher.Name,
                    launcher.Description,
                    launcher.ResourceClassId,
                    launcher.DiskStorage,
                    launcher.LauncherType,
                    Variables = LauncherRow.Json(launcher.EnvVariables),
                    caller.UserId,
                    Now = clock.GetUtcNow().ToUnixTimeMilliseconds(),
                });
            return project.Id;
        }, ct);
        await news.LauncherChangedAsync(projectId, id, gone: false, ct);
        return await FindAsync(caller, id, ct);
    }

    public async Task<LauncherView> EditAsync(Caller caller, string id, JsonElement patch, CancellationToken ct)
    {
        var before = await db.WriteAsync(async connection =>
        {
            var row = await RequireAsync(connection, caller, id, ProjectAction.EditLaunchers);
            var environment = await EnvironmentOfAsync(connection, row);
            var launcher = LauncherRules.Checked(Merged(row, environment, patch));
            if (!string.Equals(launcher.ProjectId, row.ProjectId, StringComparison.OrdinalIgnoreCase))
                throw Check.Invalid("project_id", "cannot be changed: make a launcher in the other project");
            await CheckResourcesAsync(connection, caller, launcher, row.ResourceClassId);
            var environmentId = await EnvironmentChoice.Read(launcher.Environment).ApplyAsync(connection, caller, environment, clock);
            await connection.ExecuteAsync(
                """
                UPDATE session_launchers SET name = @Name, description = @Description, resource_class_id = @ResourceClassId,
                    disk_storage = @DiskStorage, env_variables = @Variables, environment_id = @environmentId
                WHERE id = @Id
                """,
                new
                {
                    row.Id,
                    launcher.Name,
                    launcher.Description,
                    launcher.ResourceClassId,
                    launcher.DiskStorage,
                    Variables = LauncherRow.Json(launcher.EnvVariables),
                    environmentId,
                });
            if (environmentId != environment.Id)
                await EnvironmentChoice.ForgetAsync(connection, environment.Id);
            return row;
        }, ct);
        await news.LauncherChangedAsync(before.ProjectId, before.Id, gone: false, ct);
        return await FindAsync(caller, before.Id, ct);
    }

    /// <summary>What is not there is deleted already; a launcher with a session that has not ended is kept.</summary>
    public async Task DeleteAsync(Caller caller, string id, CancellationToken ct)
    {
        var deleted = await db.WriteAsync(async connection =>
        {
            LauncherRow row;
            try
            {
                row = await RequireAsync(connection, caller, id, ProjectAction.EditLaunchers);
            }
            catch (ProblemException e) when (e.Code == ProblemCode.NotFound)
            {
                return null;
            }

            var sessions = await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM sessions WHERE launcher_id = @Id AND status <> 'ended'", new { row.Id });
            if (sessions > 0)
                throw new ProblemException(ProblemCode.Conflict, $"Launcher '{row.Name}' has {sessions} session{(sessions == 1 ? "" : "s")} that {(sessions == 1 ? "has" : "have")} not ended: stop {(sessions == 1 ? "it" : "them")} first.");
            await connection.ExecuteAsync("DELETE FROM session_launchers WHERE id = @Id", new { row.Id });
            await EnvironmentChoice.ForgetAsync(connection, row.EnvironmentId);
            return row;
        }, ct);
        if (deleted is not null)
            await news.LauncherChangedAsync(deleted.ProjectId, deleted.Id, gone: true, ct);
    }

    private static async Task<LauncherRow> RequireAsync(DbConnection connection, Caller caller, string id, ProjectAction action)
    {
        var notFound = new ProblemException(ProblemCode.NotFound, $"There is no launcher '{id}'. List them: `berth launcher list`.");
        var row = await connection.QuerySingleOrDefaultAsync<LauncherRow>("SELECT * FROM session_launchers WHERE id = @Id", new { Id = id.ToUpperInvariant() })
            ?? throw notFound;
        try
        {
            await ProjectRow.RequireAsync(connection, caller, row.ProjectId, action);
            return row;
        }
        catch (ProblemException e) when (e.Code == ProblemCode.NotFound)
        {
            throw notFound;
        }
    }

    private static Task<EnvironmentRow> EnvironmentOfAsync(DbConnection connection, LauncherRow row) =>
        connection.QuerySingleAsync<EnvironmentRow>("SELECT * FROM environments WHERE id = @EnvironmentId", new { row.EnvironmentId });

    /// <summary>The class must be one that the caller may use, unless it is the one that was chosen before.</summary>
    private static async Task CheckResourcesAsync(DbConnection connection, Caller caller, LauncherRequest launcher, int? before)
    {
        if (launcher.ResourceClassId is not { } classId)
            return;
        var found = await PoolStore.FindClassAsync(connection, caller, classId);
        if (found is null && classId != before)
            throw Check.Invalid("resource_class_id", $"must be the id of a class that you may use; there is no {classId}");
        if (found is not null && launcher.DiskStorage > found.MaxStorage)
            throw Check.Invalid("disk_storage", $"must be at most {found.MaxStorage}, which class '{found.Name}' has; it is {launcher.DiskStorage}");
    }

    private static LauncherRequest Merged(LauncherRow row, EnvironmentRow environment, JsonElement patch)
    {
        var current = row.Request(environment);
        if (patch.ValueKind != JsonValueKind.Object || !patch.TryGetProperty("environment", out var wanted))
            return MergePatch.Apply(current, patch);
        // An environment is merged by itself: an id and fields must not be mixed.
        var rest = JsonObject.Create(patch)!;
        rest.Remove("environment");
        var merged = MergePatch.Apply(current, MergePatch.ToElement(rest));
        return merged with { Environment = EnvironmentChoice.Merge(environment, wanted) };
    }
}
