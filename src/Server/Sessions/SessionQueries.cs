using System.Data.Common;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Ids;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Sessions;

/// <summary>Reads sessions for their owner. Nobody else can read them: not a project's owner, not an admin.</summary>
public sealed class SessionQueries(Db db, SessionViews views)
{
    private const string Select = """
        SELECT s.*, u.username AS owner_name, p.name AS project_name, p.namespace AS project_namespace, p.slug AS project_slug,
               l.name AS launcher_name, l.listed AS launcher_listed, rp.name AS pool_name, rc.name AS class_name,
               n.name AS machine_name
        FROM sessions s
        JOIN users u ON u.id = s.user_id
        LEFT JOIN projects p ON p.id = s.project_id
        LEFT JOIN session_launchers l ON l.id = s.launcher_id
        LEFT JOIN resource_pools rp ON rp.id = s.pool_id
        LEFT JOIN resource_classes rc ON rc.id = s.class_id
        LEFT JOIN nodes n ON s.provider LIKE 'node:%' AND n.id = substr(s.provider, 6)
        """;

    /// <summary>The caller's sessions that are not over, newest first.</summary>
    public async Task<List<SessionView>> ListAsync(Caller caller, CancellationToken ct) =>
        (await ListAsync(caller, ended: false, PageRequest.Everything, ct)).Items;

    /// <summary>A part of the caller's sessions, newest first.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="ended">Those that are over, instead of those that are not.</param>
    /// <param name="page">Which part.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<PageOf<SessionView>> ListAsync(Caller caller, bool ended, PageRequest page, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return (await PageAsync(connection, $"s.user_id = @UserId AND s.status {(ended ? "=" : "<>")} 'ended'", new { caller.UserId }, page)).Select(View);
    }

    /// <summary>A part of the sessions that meet a condition, newest first.</summary>
    internal static async Task<PageOf<FoundSession>> PageAsync(DbConnection connection, string where, object args, PageRequest page)
    {
        var rows = (await connection.QueryAsync<SessionRow, SessionNames, FoundSession>(
            $"{Select} WHERE {where} ORDER BY s.id DESC LIMIT @Limit OFFSET @Offset",
            (row, names) => new FoundSession(row, names),
            page.With(args),
            splitOn: "owner_name")).AsList();
        var total = await page.TotalAsync(connection, $"SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE {where}", args, rows.Count);
        return new PageOf<FoundSession>(rows, total, page);
    }

    /// <summary>A found session as it is shown.</summary>
    internal SessionView View(FoundSession found) => views.View(StoredSession.From(found.Row), found.Names);

    /// <summary>One of the caller's sessions, by id or by the name of one that is not ended.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    public async Task<SessionView> FindAsync(Caller caller, string idOrName, CancellationToken ct)
    {
        var (session, names) = await LoadAsync(caller, idOrName, ct);
        return views.View(session, names);
    }

    /// <summary>As <see cref="FindAsync"/>, for a user; null where there is none.</summary>
    public async Task<SessionView?> TryFindAsync(string userId, string idOrName, CancellationToken ct) =>
        await TryLoadAsync(userId, idOrName, ct) is var (session, names) ? views.View(session, names) : null;

    /// <summary>The caller's one session of a launcher that is not ended; null where there is none.</summary>
    public async Task<SessionView?> FindLiveAsync(Caller caller, string launcherId, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var rows = await connection.QueryAsync<SessionRow, SessionNames, (SessionRow Row, SessionNames Names)>(
            $"{Select} WHERE s.user_id = @UserId AND s.launcher_id = @launcherId AND s.status <> 'ended'",
            (row, names) => (row, names),
            new { caller.UserId, launcherId },
            splitOn: "owner_name");
        return rows.FirstOrDefault() is { Row: not null } found ? views.View(StoredSession.From(found.Row), found.Names) : null;
    }

    /// <summary>The caller's session of an id; of a name, the last that ended, before all one whose work is still there.</summary>
    public async Task<StoredSession?> FindEndedAsync(Caller caller, string idOrName, CancellationToken ct)
    {
        var id = idOrName.ToUpperInvariant();
        await using var connection = await db.OpenAsync(ct);
        var row = await connection.QueryFirstOrDefaultAsync<SessionRow>(
            """
            SELECT * FROM sessions WHERE user_id = @UserId AND (id = @id OR (name = @idOrName AND status = 'ended'))
            ORDER BY CASE WHEN has_workspace = @yes AND continued_by IS NULL THEN 0 ELSE 1 END, id DESC
            """,
            new { caller.UserId, id, idOrName, yes = true });
        return row is null ? null : StoredSession.From(row);
    }

    /// <summary>What <see cref="FindAsync"/> finds, as stored.</summary>
    public async Task<StoredSession> RequireAsync(Caller caller, string idOrName, CancellationToken ct) =>
        (await LoadAsync(caller, idOrName, ct)).Session;

    /// <summary>The view of a session that was just saved.</summary>
    public async Task<SessionView> ViewAsync(StoredSession session, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var rows = await connection.QueryAsync<SessionRow, SessionNames, SessionNames>(
            $"{Select} WHERE s.id = @Id", (_, names) => names, new { session.Session.Id }, splitOn: "owner_name");
        return views.View(session, rows.Single());
    }

    /// <summary>History, oldest first.</summary>
    public async Task<List<SessionEvent>> EventsAsync(Caller caller, string idOrName, CancellationToken ct)
    {
        var session = await RequireAsync(caller, idOrName, ct);
        await using var connection = await db.OpenAsync(ct);
        var rows = await connection.QueryAsync<EventRow>(
            "SELECT at, kind, text, generation, by_user FROM session_events WHERE session_id = @Id ORDER BY id", new { session.Session.Id });
        return [.. rows.Select(r => new SessionEvent(DateTimeOffset.FromUnixTimeMilliseconds(r.At), r.Kind, r.Text, r.Generation, r.ByUser))];
    }

    private async Task<(StoredSession Session, SessionNames Names)> LoadAsync(Caller caller, string idOrName, CancellationToken ct) =>
        await TryLoadAsync(caller.UserId, idOrName, ct)
        ?? throw new ProblemException(ProblemCode.NotFound, $"You have no session '{idOrName}'. List yours: `berth session list`.");

    private async Task<(StoredSession Session, SessionNames Names)?> TryLoadAsync(string userId, string idOrName, CancellationToken ct)
    {
        var id = idOrName.ToUpperInvariant();
        var where = Ulid.IsValid(id) ? "s.id = @id" : "s.name = @idOrName AND s.status <> 'ended'";
        await using var connection = await db.OpenAsync(ct);
        var rows = await connection.QueryAsync<SessionRow, SessionNames, (SessionRow Row, SessionNames Names)>(
            $"{Select} WHERE s.user_id = @userId AND {where}", (row, names) => (row, names), new { userId, id, idOrName }, splitOn: "owner_name");
        var found = rows.FirstOrDefault();
        return found.Row is null ? null : (StoredSession.From(found.Row), found.Names);
    }

    private sealed class EventRow
    {
        public long At { get; init; }
        public required string Kind { get; init; }
        public required string Text { get; init; }
        public int Generation { get; init; }
        public string? ByUser { get; init; }
    }
}

/// <summary>A session as found, with the names that go with it.</summary>
internal sealed record FoundSession(SessionRow Row, SessionNames Names);

/// <summary>Names of what a session belongs to; null where that was deleted since.</summary>
public sealed class SessionNames
{
    public required string OwnerName { get; init; }
    public string? ProjectName { get; init; }
    public string? ProjectNamespace { get; init; }
    public string? ProjectSlug { get; init; }
    public string? LauncherName { get; init; }
    public bool? LauncherListed { get; init; }
    public string? PoolName { get; init; }
    public string? ClassName { get; init; }
    public string? MachineName { get; init; }
}
