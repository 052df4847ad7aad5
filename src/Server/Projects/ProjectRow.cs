using System.Data.Common;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Projects;
using Berth.Core.Access;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Dapper;

namespace Berth.Server.Projects;

/// <summary>A project, and what the caller is in it.</summary>
public sealed class ProjectRow
{
    public string Id { get; init; } = "";
    public string Name { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Slug { get; init; } = "";
    public string Visibility { get; init; } = "";
    public string? Description { get; init; }
    public string Keywords { get; init; } = "[]";
    public string Repositories { get; init; } = "[]";
    public string? PersonalOf { get; init; }
    public string CreatedBy { get; init; } = "";
    public long CreatedAt { get; init; }
    public long Version { get; init; }
    public string? MemberRole { get; init; }

    public bool IsPublic => Visibility == "public";

    public ProjectRole Role => Permissions.RoleIn(IsPublic, Permissions.RoleOf(MemberRole))
        ?? throw new InvalidOperationException("A project was read for somebody who may not.");

    /// <summary>For <c>If-Match</c>.</summary>
    public string Etag => $"{Version}";

    /// <summary>Every project that a caller may read; <c>@UserId</c> is the caller. Conditions can be added with AND.</summary>
    internal const string Readable =
        """
        SELECT p.*, m.role AS member_role
        FROM projects p LEFT JOIN project_members m ON m.project_id = p.id AND m.user_id = @UserId
        WHERE (p.visibility = 'public' OR m.role IS NOT NULL)
        """;

    /// <summary>The project, if the caller may do this with it.</summary>
    /// <exception cref="ProblemException">Not found, where they may not read it; forbidden, where they may read it only.</exception>
    public static async Task<ProjectRow> RequireAsync(DbConnection connection, Caller caller, string id, ProjectAction action, string? field = null)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(id);
        var row = await connection.QuerySingleOrDefaultAsync<ProjectRow>(
            $"{Readable} AND p.id = @Id", new { Id = id.ToUpperInvariant(), caller.UserId })
            ?? throw new ProblemException(ProblemCode.NotFound, $"There is no project '{id}'. List yours: `berth project list`.", field);
        return row.Role.May(action)
            ? row
            : throw new ProblemException(ProblemCode.Forbidden, $"You are {row.Role.Word()} of project '{row.Name}'; only {(action is ProjectAction.EditMembers or ProjectAction.Delete ? "its owners" : "editors and owners")} may do this.");
    }

    public ProjectRequest Request() => new(Name, Namespace, Slug, Strings(Repositories), Visibility, Description, Strings(Keywords));

    public ProjectView View() => new(
        Id, Name, Namespace, Slug, Etag, CreatedBy, DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt), Strings(Repositories), Visibility,
        Description, Strings(Keywords), Role.Word(), PersonalOf is not null);

    internal static string Json(IReadOnlyList<string>? list) => JsonSerializer.Serialize(list ?? [], BerthJson.Default.IReadOnlyListString);

    private static IReadOnlyList<string> Strings(string json) => JsonSerializer.Deserialize(json, BerthJson.Default.IReadOnlyListString) ?? [];
}
