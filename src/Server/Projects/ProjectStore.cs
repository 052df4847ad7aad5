using System.Data.Common;
using System.Text.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Projects;
using Berth.Core.Access;
using Berth.Core.Ids;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Projects;

/// <summary>Projects, as far as the caller may read and change them.</summary>
public sealed class ProjectStore(Db db, ProjectNews news, TimeProvider clock)
{
    private const int MostSlugTries = 100;

    public async Task<List<ProjectView>> ListAsync(Caller caller, CancellationToken ct) => (await ListAsync(caller, PageRequest.Everything, ct)).Items;

    public async Task<PageOf<ProjectView>> ListAsync(Caller caller, PageRequest page, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return (await page.QueryAsync<ProjectRow>(connection, ProjectRow.Readable, "id", new { caller.UserId })).Select(p => p.View());
    }

    public async Task<ProjectView> FindAsync(Caller caller, string id, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return (await ProjectRow.RequireAsync(connection, caller, id, ProjectAction.Read)).View();
    }

    public async Task<ProjectView> FindBySlugAsync(Caller caller, string @namespace, string slug, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var row = await connection.QuerySingleOrDefaultAsync<ProjectRow>(
            $"{ProjectRow.Readable} AND p.namespace = @namespace AND p.slug = @slug", new { caller.UserId, @namespace, slug });
        return row?.View() ?? throw new ProblemException(ProblemCode.NotFound, $"There is no project '{@namespace}/{slug}'.");
    }

    public async Task<ProjectView> CreateAsync(Caller caller, ProjectRequest request, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(caller);
        var project = ProjectRules.Checked(request, caller);
        if ((project.Namespace ?? caller.Username) != caller.Username)
            throw Check.Invalid("namespace", $"must be your own, '{caller.Username}'; it is '{project.Namespace}'");
        var id = Ulid.New(clock);
        await db.WriteAsync(async connection =>
        {
            await connection.ExecuteAsync(
                """
                INSERT INTO projects (id, name, namespace, slug, visibility, description, keywords, repositories, created_by, created_at, version)
                VALUES (@id, @Name, @Username, @Slug, @Visibility, @Description, @Keywords, @Repositories, @UserId, @Now, 1)
                """,
                new
                {
                    id,
                    project.Name,
                    caller.Username,
                    Slug = await FreeSlugAsync(connection, caller.Username, project),
                    project.Visibility,
                    project.Description,
                    Keywords = ProjectRow.Json(project.Keywords),
                    Repositories = ProjectRow.Json(project.Repositories),
                    caller.UserId,
                    Now = clock.GetUtcNow().ToUnixTimeMilliseconds(),
                });
            await connection.ExecuteAsync("INSERT INTO project_members (project_id, user_id, role) VALUES (@id, @UserId, 'owner')", new { id, caller.UserId });
        }, ct);
        await news.ChangedAsync(id, ct);
        return await FindAsync(caller, id, ct);
    }

    /// <param name="caller">An editor.</param>
    /// <param name="id">Which project.</param>
    /// <param name="ifMatch">The ETag that the caller has read.</param>
    /// <param name="patch">What to change.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<ProjectView> EditAsync(Caller caller, string id, string? ifMatch, JsonElement patch, CancellationToken ct)
    {
        var before = await db.WriteAsync(async connection =>
        {
            var row = await ProjectRow.RequireAsync(connection, caller, id, ProjectAction.Edit);
            Etags.Require(ifMatch, row.Etag, $"project '{row.Name}'");
            var project = ProjectRules.Checked(MergePatch.Apply(row.Request(), patch), caller);
            if ((project.Namespace ?? row.Namespace) != row.Namespace)
                throw Check.Invalid("namespace", "cannot be changed");
            if ((project.Slug ?? row.Slug) != row.Slug)
                throw Check.Invalid("slug", "cannot be changed");
            if (project.Visibility != row.Visibility && row.PersonalOf is not null)
                throw new ProblemException(ProblemCode.Conflict, "A personal project stays private.", "visibility");
            if (project.Visibility != row.Visibility && !row.Role.May(ProjectAction.EditMembers))
                throw new ProblemException(ProblemCode.Forbidden, "Only owners may choose who sees a project.", "visibility");
            await connection.ExecuteAsync(
                """
                UPDATE projects SET name = @Name, visibility = @Visibility, description = @Description, keywords = @Keywords,
                    repositories = @Repositories, version = version + 1
                WHERE id = @Id
                """,
                new
                {
                    row.Id,
                    project.Name,
                    project.Visibility,
                    project.Description,
                    Keywords = ProjectRow.Json(project.Keywords),
                    Repositories = ProjectRow.Json(project.Repositories),
                });
            return row;
        }, ct);
        await news.ChangedAsync(before.Id, ct, alsoEverybody: before.IsPublic);
        return await FindAsync(caller, before.Id, ct);
    }

    /// <summary>Deletes a project with its launchers; what is not there is deleted already.</summary>
    public async Task DeleteAsync(Caller caller, string id, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var audience = await news.AudienceAsync(connection, id);
        var deleted = await db.WriteAsync(async writing =>
        {
            ProjectRow row;
            try
            {
                row = await ProjectRow.RequireAsync(writing, caller, id, ProjectAction.Delete);
            }
            catch (ProblemException e) when (e.Code == ProblemCode.NotFound)
            {
                return null;
            }

            if (row.PersonalOf is not null)
                throw new ProblemException(ProblemCode.Conflict, "A personal project cannot be deleted: it holds what you start without a project.");
            var sessions = await writing.ExecuteScalarAsync<int>("SELECT count(*) FROM sessions WHERE project_id = @Id AND status <> 'ended'", new { row.Id });
            if (sessions > 0)
                throw new ProblemException(ProblemCode.Conflict, $"Project '{row.Name}' has {sessions} session{(sessions == 1 ? "" : "s")} that {(sessions == 1 ? "has" : "have")} not ended: stop {(sessions == 1 ? "it" : "them")} first.");
            var customs = (await writing.QueryAsync<string>(
                "SELECT e.id FROM environments e JOIN session_launchers l ON l.environment_id = e.id WHERE l.project_id = @Id AND e.kind = 'CUSTOM'", new { row.Id })).AsList();
            await writing.ExecuteAsync("DELETE FROM projects WHERE id = @Id", new { row.Id });
            foreach (var custom in customs)
                await writing.ExecuteAsync("DELETE FROM environments WHERE id = @custom", new { custom });
            return row.Id;
        }, ct);
        if (deleted is not null)
            news.Gone(deleted, audience);
    }

    private static async Task<string> FreeSlugAsync(DbConnection connection, string @namespace, ProjectRequest project)
    {
        var wanted = project.Slug ?? ProjectRules.SlugFrom(project.Name);
        for (var i = 1; i <= MostSlugTries; i++)
        {
            var slug = i == 1 ? wanted : $"{wanted}-{i}";
            if (await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM projects WHERE namespace = @namespace AND slug = @slug", new { @namespace, slug }) == 0)
                return slug;
            if (project.Slug is not null)
                break;
        }

        throw new ProblemException(ProblemCode.Conflict, $"There is already a project '{@namespace}/{wanted}': choose another slug.", "slug");
    }
}
