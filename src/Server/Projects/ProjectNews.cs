using System.Data.Common;
using Berth.Contracts.Sessions;
using Berth.Server.Live;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Projects;

/// <summary>Tells those who may read a project that it or its launchers have changed, and nobody else.</summary>
public sealed class ProjectNews(Db db, ChangeFeed feed)
{
    public async Task ChangedAsync(string projectId, CancellationToken ct, bool alsoEverybody = false)
    {
        await using var connection = await db.OpenAsync(ct);
        Publish(new Change("project", projectId), alsoEverybody ? null : await AudienceAsync(connection, projectId));
    }

    public async Task LauncherChangedAsync(string projectId, string launcherId, bool gone, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        Publish(new Change("launcher", launcherId, gone), await AudienceAsync(connection, projectId));
    }

    /// <summary>Who is to hear of a project; null: everybody. Asked before it is deleted.</summary>
    public async Task<IReadOnlyList<string>?> AudienceAsync(DbConnection connection, string projectId)
    {
        var visibility = await connection.ExecuteScalarAsync<string?>("SELECT visibility FROM projects WHERE id = @projectId", new { projectId });
        return visibility == "public"
            ? null
            : (await connection.QueryAsync<string>("SELECT user_id FROM project_members WHERE project_id = @projectId", new { projectId })).AsList();
    }

    public void Gone(string projectId, IReadOnlyList<string>? audience) => Publish(new Change("project", projectId, Gone: true), audience);

    private void Publish(Change change, IReadOnlyList<string>? audience)
    {
        if (audience is null)
            feed.Publish(change, null);
        foreach (var user in audience ?? [])
            feed.Publish(change, user);
    }
}
