using System.Data.Common;
using Berth.Contracts.Problems;
using Berth.Contracts.Projects;
using Berth.Core.Access;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Berth.Server.Users;
using Dapper;

namespace Berth.Server.Projects;

/// <summary>Who is what in a project. Each has at least one owner.</summary>
public sealed class ProjectMembers(Db db, ProjectNews news)
{
    private const int MostAtOnce = 100;

    public async Task<List<MemberView>> ListAsync(Caller caller, string projectId, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var project = await ProjectRow.RequireAsync(connection, caller, projectId, ProjectAction.Read);
        var rows = await connection.QueryAsync<MemberRow>(
            "SELECT m.user_id, u.username, m.role FROM project_members m JOIN users u ON u.id = m.user_id WHERE m.project_id = @Id ORDER BY m.user_id",
            new { project.Id });
        return [.. rows.Select(r => new MemberView(r.UserId, r.Username, r.Role))];
    }

    /// <summary>Adds members and changes their roles; those who are not named stay as they are.</summary>
    public async Task<List<MemberView>> SetAsync(Caller caller, string projectId, IReadOnlyList<MemberRequest> members, CancellationToken ct)
    {
        Check.Count(members, MostAtOnce, "members");
        var id = await db.WriteAsync(async connection =>
        {
            var project = await RequireShareableAsync(connection, caller, projectId);
            for (var i = 0; i < members.Count; i++)
            {
                if (members[i] is not { } member)
                    throw Check.Invalid($"[{i}]", "must be a member, not null");
                var role = Check.OneOf(member.Role, $"[{i}].role", "owner", "editor", "viewer");
                var userId = await UserStore.IdOfAsync(connection, member.Id)
                    ?? throw Check.Invalid($"[{i}].id", $"must be the id or name of a user; there is no '{member.Id}'");
                await connection.ExecuteAsync("DELETE FROM project_members WHERE project_id = @Id AND user_id = @userId", new { project.Id, userId });
                await connection.ExecuteAsync("INSERT INTO project_members (project_id, user_id, role) VALUES (@Id, @userId, @role)", new { project.Id, userId, role });
            }

            await RequireAnOwnerAsync(connection, project);
            return project.Id;
        }, ct);
        await news.ChangedAsync(id, ct);
        return await ListAsync(caller, id, ct);
    }

    /// <summary>Removes a member; everybody may remove themselves. Who is not there is removed already.</summary>
    public async Task RemoveAsync(Caller caller, string projectId, string userIdOrName, CancellationToken ct)
    {
        var id = await db.WriteAsync(async connection =>
        {
            var userId = await UserStore.IdOfAsync(connection, userIdOrName);
            var project = userId == caller.UserId
                ? await ProjectRow.RequireAsync(connection, caller, projectId, ProjectAction.Read)
                : await RequireShareableAsync(connection, caller, projectId);
            await connection.ExecuteAsync("DELETE FROM project_members WHERE project_id = @Id AND user_id = @userId", new { project.Id, userId });
            await RequireAnOwnerAsync(connection, project);
            return project.Id;
        }, ct);
        await news.ChangedAsync(id, ct);
    }

    private static async Task<ProjectRow> RequireShareableAsync(DbConnection connection, Caller caller, string projectId)
    {
        var project = await ProjectRow.RequireAsync(connection, caller, projectId, ProjectAction.EditMembers);
        return project.PersonalOf is null
            ? project
            : throw new ProblemException(ProblemCode.Conflict, "A personal project has no other members: make a project to share.");
    }

    private static async Task RequireAnOwnerAsync(DbConnection connection, ProjectRow project)
    {
        if (await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM project_members WHERE project_id = @Id AND role = 'owner'", new { project.Id }) == 0)
            throw new ProblemException(ProblemCode.Conflict, $"Project '{project.Name}' would have no owner left: make somebody else its owner first.");
    }

    private sealed class MemberRow
    {
        public string UserId { get; init; } = "";
        public string Username { get; init; } = "";
        public string Role { get; init; } = "";
    }
}
