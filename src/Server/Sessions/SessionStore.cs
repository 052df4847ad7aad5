using System.Data.Common;
using Berth.Contracts.Sessions;
using Berth.Core.Faults;
using Berth.Core.Ids;
using Berth.Core.Queues;
using Berth.Core.Sessions;
using Berth.Server.Live;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Sessions;

/// <summary>
/// Loads and saves sessions. Whoever saves one has read it first: the row's version guards it, and a save that lost the
/// race changes nothing. A save writes the history, tells the pages and keeps the proxy's directory.
/// </summary>
public sealed class SessionStore(Db db, ChangeFeed changes, SessionDirectory directory, TimeProvider clock)
{
    private const string Update = """
        UPDATE sessions SET
            spec = @Spec, class_id = @ClassId, limits = @Limits, generation = @Generation, wish = @Wish, status = @Status,
            status_since = @StatusSince, step = @Step, stage = @Stage, stage_detail = @StageDetail, stages = @Stages,
            reason = @Reason, detail = @Detail, notices = @Notices, exit_code = @ExitCode, address = @Address,
            generation_since = @GenerationSince, starting_since = @StartingSince, last_used = @LastUsed,
            extended_until = @ExtendedUntil, in_use = @InUse, warned_of = @WarnedOf, has_workspace = @HasWorkspace, provider = @Provider, line = @Line, version = version + 1
        WHERE id = @Id AND version = @Version
        """;

    private const string Insert = """
        INSERT INTO sessions (id, name, user_id, launcher_id, project_id, pool_id, class_id, provider, spec, limits, generation,
            wish, status, status_since, step, stage, stage_detail, stages, reason, detail, notices, exit_code, address,
            generation_since, starting_since, last_used, extended_until, in_use, warned_of, has_workspace, created_at, version, workspace, continues,
            disk_used, disk_measured_at, line)
        VALUES (@Id, @Name, @UserId, @LauncherId, @ProjectId, @PoolId, @ClassId, @Provider, @Spec, @Limits, @Generation,
            @Wish, @Status, @StatusSince, @Step, @Stage, @StageDetail, @Stages, @Reason, @Detail, @Notices, @ExitCode, @Address,
            @GenerationSince, @StartingSince, @LastUsed, @ExtendedUntil, @InUse, @WarnedOf, @HasWorkspace, @CreatedAt, @Version, @Workspace, @Continues,
            @DiskUsed, @DiskMeasuredAt, @Line)
        """;

    /// <summary>One session, whoever owns it; null when it is not there.</summary>
    public async Task<StoredSession?> FindAsync(string id, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var row = await connection.QuerySingleOrDefaultAsync<SessionRow>("SELECT * FROM sessions WHERE id = @id", new { id });
        return row is null ? null : StoredSession.From(row);
    }

    /// <summary>Everything of a provider that is not over, or whose workspace is still to be deleted one day.</summary>
    public async Task<IReadOnlyList<StoredSession>> OpenSessionsAsync(string provider, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return await OpenSessionsAsync(provider, connection);
    }

    /// <summary>As the other one, inside the caller's transaction.</summary>
    public static async Task<IReadOnlyList<StoredSession>> OpenSessionsAsync(string provider, DbConnection connection)
    {
        var rows = await connection.QueryAsync<SessionRow>(
            "SELECT * FROM sessions WHERE provider = @provider AND (status <> 'ended' OR has_workspace = @yes)", new { provider, yes = true });
        return [.. rows.Select(StoredSession.From)];
    }

    /// <summary>Everything that is not over, of all providers.</summary>
    public async Task<IReadOnlyList<StoredSession>> LiveAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var rows = await connection.QueryAsync<SessionRow>("SELECT * FROM sessions WHERE status <> 'ended'");
        return [.. rows.Select(StoredSession.From)];
    }

    /// <summary>Adds a new session inside the caller's transaction; publish it after the commit.</summary>
    /// <param name="session">Which.</param>
    /// <param name="by">Who asked.</param>
    /// <param name="connection">The transaction's.</param>
    /// <param name="how">How it came to be; null: it was asked for.</param>
    public async Task<StoredSession> AddAsync(StoredSession session, string by, DbConnection connection, string? how = null)
    {
        var now = clock.GetUtcNow();
        var withStage = session with { Stages = StageHistory.Advance([], session.Session, session.Session, now) };
        await connection.ExecuteAsync(Insert, withStage.ToRow());
        var sentence = how ?? (session.Continues is { } from ? $"Asked for, to go on from the work of session {from}." : "Asked for.");
        await AddEventAsync(connection, session.Session, new("status", sentence, now), by);
        return withStage;
    }

    /// <summary>Saves what followed from <paramref name="before"/>, because somebody asked.</summary>
    /// <returns>The saved session, or null when somebody else saved it since: read it again and decide again.</returns>
    public Task<StoredSession?> SaveAsync(StoredSession before, StoredSession after, Ask ask, CancellationToken ct, params NewEvent[] extra) =>
        SaveAsync(before, after, new Saving(null, ask, extra), ct);

    /// <summary>As the other one, inside the caller's transaction; publish it after the commit.</summary>
    public async Task<StoredSession?> SaveAsync(StoredSession before, StoredSession after, string by, DbConnection connection, params NewEvent[] extra)
    {
        var now = clock.GetUtcNow();
        after = after with { Stages = StageHistory.Advance(before.Stages, before.Session, after.Session, now) };
        return await UpdateAsync(before, after, by, now, extra, connection) ? after with { Version = before.Version + 1 } : null;
    }

    /// <summary>As the other one, and only while the lease is held: for the reconciler.</summary>
    public Task<StoredSession?> SaveAsync(StoredSession before, StoredSession after, Lease lease, CancellationToken ct) =>
        SaveAsync(before, after, new Saving(lease, null, []), ct);

    /// <summary>As the other one, for a session that is given a machine: not where that was drained or removed since.</summary>
    public Task<StoredSession?> PlaceAsync(StoredSession before, StoredSession after, Lease lease, Placement on, NewEvent extra, CancellationToken ct) =>
        SaveAsync(before, after, new Saving(lease, null, [extra]) { On = on }, ct);

    private async Task<StoredSession?> SaveAsync(StoredSession before, StoredSession after, Saving saving, CancellationToken ct)
    {
        var (lease, ask, extra) = saving;
        var now = clock.GetUtcNow();
        after = after with { Stages = StageHistory.Advance(before.Stages, before.Session, after.Session, now) };
        var saved = await db.WriteAsync(
            async connection =>
            {
                if (lease is not null && !await lease.IsHeldAsync(connection))
                    return false;
                if (saving.On is { } on && await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM nodes WHERE id = @NodeId AND draining = @no", new { on.NodeId, no = false }) == 0)
                    return false;
                if (ask?.Guard is { } guard)
                    await guard(connection);
                if (!await UpdateAsync(before, after, ask?.By, now, extra, connection))
                    return false;
                if (saving.On is not null)
                    await connection.ExecuteAsync("UPDATE nodes SET last_queue = @Queue WHERE id = @NodeId", saving.On);
                return true;
            },
            ct,
            lease is null ? Commit.Wished : CommitOf(before.Session.Step, after.Session.Step));
        if (!saved)
            return null;
        after = after with { Version = before.Version + 1 };
        Publish(after);
        return after;
    }

    /// <summary>Keeps how much workspaces hold; pages of those that hold something else than before are told.</summary>
    public async Task SaveSizesAsync(string provider, IReadOnlyDictionary<string, long> sizes, DateTimeOffset at, CancellationToken ct)
    {
        var when = at.ToUnixTimeMilliseconds();
        var changed = await db.WriteAsync(
            async connection =>
            {
                var rows = (await connection.QueryAsync<(string Id, string UserId, string Workspace, long? Used)>(
                    "SELECT id, user_id, workspace, disk_used FROM sessions WHERE provider = @provider AND has_workspace = @yes", new { provider, yes = true }))
                    .Where(r => sizes.ContainsKey(r.Workspace)).ToList();
                var others = rows.FindAll(r => r.Used != sizes[r.Workspace]);
                foreach (var (id, _, workspace, _) in others)
                    await connection.ExecuteAsync("UPDATE sessions SET disk_used = @used WHERE id = @id", new { id, used = sizes[workspace] });
                await connection.ExecuteAsync("UPDATE sessions SET disk_measured_at = @when WHERE id = @Id", rows.Select(r => new { when, r.Id }));
                return others;
            },
            ct);
        foreach (var (id, userId, _, _) in changed)
            changes.Publish(new Change("session", id), userId);
        if (changed.Count > 0)
            Measured?.Invoke(provider);
    }

    /// <summary>
    /// Inside the caller's transaction, gives the workspace of a session that is over to one that is being added. Each keeps
    /// one of its own: the old session is left with the name of a workspace that was never made.
    /// </summary>
    /// <returns>Whether it could be had: the session is as it was read.</returns>
    public async Task<bool> HandOverAsync(StoredSession from, string toId, string toName, string by, DbConnection connection)
    {
        if (await connection.ExecuteAsync(
            """
            UPDATE sessions SET workspace = @toId, continued_by = @toId, disk_used = NULL, disk_measured_at = NULL, version = version + 1
            WHERE id = @Id AND version = @Version
            """,
            new { toId, from.Session.Id, from.Version }) == 0)
            return false;
        await AddEventAsync(connection, from.Session, new("work", $"Its work goes on in session '{toName}'.", clock.GetUtcNow()), by);
        return true;
    }

    /// <summary>Tells proxy and pages of a session that was committed.</summary>
    public void Publish(StoredSession session)
    {
        if (session.Session.Status == SessionStatus.Ended)
            directory.Remove(session.Session.Id);
        else
            directory.Set(session.Route());
        changes.Publish(new Change("session", session.Session.Id, session.Session.Status == SessionStatus.Ended), session.Facts.UserId);
        Published?.Invoke(session);
    }

    /// <summary>A session as it was committed just now.</summary>
    public event Action<StoredSession>? Published;

    /// <summary>Workspaces of a provider hold something else than before.</summary>
    public event Action<string>? Measured;

    private static Commit CommitOf(Step before, Step after) => after == before ? Commit.Seen : after switch
    {
        Step.None when before == Step.Waiting => Commit.Placed,
        Step.Waiting => Commit.BackInLine,
        Step.StartIntended => Commit.StartIntended,
        Step.Started => Commit.StartAccepted,
        Step.StopIntended => Commit.StopIntended,
        Step.Stopped => Commit.Released,
        _ => Commit.Seen,
    };

    private async Task<bool> UpdateAsync(StoredSession before, StoredSession after, string? by, DateTimeOffset now, NewEvent[] extra, DbConnection connection)
    {
        if (await connection.ExecuteAsync(Update, after.ToRow()) == 0)
            return false;
        foreach (var happened in SessionHistory.Between(before, after, now).Concat(extra))
            await AddEventAsync(connection, after.Session, happened, by);
        return true;
    }

    private Task<int> AddEventAsync(DbConnection connection, Session session, NewEvent happened, string? by) =>
        connection.ExecuteAsync(
            "INSERT INTO session_events (id, session_id, at, kind, text, generation, by_user) VALUES (@id, @session, @at, @kind, @text, @generation, @by)",
            new
            {
                id = Ulid.New(clock),
                session = session.Id,
                at = happened.At.ToUnixTimeMilliseconds(),
                kind = happened.Kind,
                text = happened.Text,
                generation = session.Generation,
                by,
            });
}

/// <summary>With what, and under which conditions, a session is saved.</summary>
internal sealed record Saving(Lease? Lease, Ask? Ask, NewEvent[] Extra)
{
    /// <summary>The machine that it is given, which must still be there, and not be drained.</summary>
    public Placement? On { get; init; }
}

/// <summary>A line of a session's history that is about to be written.</summary>
public sealed record NewEvent(string Kind, string Text, DateTimeOffset At);

/// <summary>What somebody asked for, beside the change itself.</summary>
/// <param name="By">Their user name, for the history.</param>
/// <param name="Guard">Asked inside the transaction, before the change is saved: throws where it may not be.</param>
public sealed record Ask(string By, Func<DbConnection, Task>? Guard = null);
