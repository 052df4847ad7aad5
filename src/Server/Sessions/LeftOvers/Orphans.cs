using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Sessions.LeftOvers;

/// <summary>
/// Workspaces that no row names, as after a restored backup. They hold somebody's work, so none is deleted by itself. An
/// admin gives one to a user or deletes it, and both are done by giving it a row again, of a session that has ended: what
/// is to be deleted is then deleted as any other, and of two that want the same one, the database refuses one.
/// </summary>
public sealed class Orphans(
    ProviderInstances instances, Db db, SessionStore store, SessionQueries queries, LaunchTargets targets, ClassChooser classes,
    Nudges nudges, TimeProvider clock)
{
    /// <summary>All of them. Whoever does not answer, as a machine that is away or unwell, is named and left out.</summary>
    /// <param name="sizes">Measured, too: engines go through all files for it.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<OrphanList> ListAsync(bool sizes, CancellationToken ct)
    {
        var asked = await Task.WhenAll(instances.All.Where(i => i.Provider is IWorkspaceList).Select(i => AskAsync(i, sizes, ct)));
        return new OrphanList(
            [.. asked.SelectMany(a => a.Found).OrderBy(o => o.MadeAt).ThenBy(o => o.Id, StringComparer.Ordinal)],
            [.. asked.Select(a => a.Problem).OfType<string>()]);
    }

    private async Task<(List<OrphanView> Found, string? Problem)> AskAsync(ProviderInstance instance, bool sizes, CancellationToken ct)
    {
        try
        {
            // Rows are read after what is there: a start adds its row before its workspace is made.
            var all = await ((IWorkspaceList)instance.Provider).ListWorkspacesAsync(ct);
            var orphans = await WithoutRowAsync(instance.Name, all, ct);
            var bytes = sizes && orphans.Count > 0 && instance.Provider is IWorkspaceSizes meter ? await meter.MeasureAsync(ct) : null;
            return ([.. orphans.Select(o => bytes?.TryGetValue(o.Id, out var size) == true ? o with { Bytes = size } : o)], null);
        }
        catch (ProviderException e)
        {
            // Machines name themselves.
            return ([], e.Reason == Reason.NodeAway ? e.Message : $"{instance.Title}: {e.Message}");
        }
    }

    /// <summary>Gives it to a user, as the work of a session that has ended: they go on from it, and it is kept as long as such work is.</summary>
    public async Task<SessionView> AdoptAsync(Caller admin, string id, AdoptRequest request, CancellationToken ct)
    {
        var orphan = await RequireAsync(id, ct);
        await using var connection = await db.OpenAsync(ct);
        var wanted = request.User ?? orphan.OwnerId
            ?? throw Check.Invalid("user", "must be said: no label says whose the workspace was");
        var user = await connection.QuerySingleOrDefaultAsync<(string Id, string Username)?>(
            "SELECT id, username FROM users WHERE id = @wanted OR username = @wanted", new { wanted })
            ?? throw new ProblemException(ProblemCode.NotFound, $"There is no user '{wanted}'. List them: `berth user list`.", "user");
        return await GiveRowAsync(admin, new Caller(user.Id, user.Username, false, CallerKind.Browser, null), orphan, Wish.Stop, $"Found without a session, and given to {user.Username}.", ct);
    }

    /// <summary>Deletes it, in a moment.</summary>
    public async Task<SessionView> DeleteAsync(Caller admin, string id, CancellationToken ct) =>
        await GiveRowAsync(admin, admin, await RequireAsync(id, ct), Wish.StopAndDelete, "Found without a session: its work is deleted.", ct);

    private async Task<SessionView> GiveRowAsync(Caller admin, Caller owner, OrphanView orphan, Wish wish, string sentence, CancellationToken ct)
    {
        var request = new StartRequest();
        var target = await targets.FindAsync(owner, request, ct);
        var chosen = await classes.ForStartAsync(owner, request, target.ClassId, target.DiskGb, ct);
        var spec = StartRules.Spec(request, target, chosen, owner) with { Repositories = [] };
        var now = DateTimeOffset.FromUnixTimeMilliseconds(clock.GetUtcNow().ToUnixTimeMilliseconds()); // as it is stored
        var session = Session.New(Ulid.New(clock), chosen.Limits, now) with
        {
            Status = SessionStatus.Ended,
            Stage = null,
            StartingSince = null,
            Step = Step.Stopped,
            Wish = wish,
        };
        try
        {
            var added = await db.WriteAsync(
                async connection =>
                {
                    var launcher = await targets.AddUnlistedAsync(owner, target, spec, connection);
                    var facts = new SessionFacts(
                        orphan.SessionName ?? "recovered", owner.UserId, launcher, target.ProjectId, chosen.Row.PoolId, chosen.Row.ClassId, orphan.Provider, now);
                    return await store.AddAsync(new StoredSession(session, spec, facts, [], [], null, 1) { Workspace = orphan.Id }, admin.Username, connection, sentence);
                },
                ct);
            store.Publish(added);
            nudges.Nudge(added.Facts.Provider, added.Session.Id);
            return await queries.ViewAsync(added, ct);
        }
        catch (System.Data.Common.DbException e) when (e.IsUniqueViolation())
        {
            throw None(orphan.Id, []);
        }
    }

    private async Task<OrphanView> RequireAsync(string id, CancellationToken ct)
    {
        var all = await ListAsync(sizes: false, ct);
        return all.Workspaces.FirstOrDefault(o => string.Equals(o.Id, id, StringComparison.OrdinalIgnoreCase)) ?? throw None(id, all.NotAsked);
    }

    private static ProblemException None(string id, IReadOnlyList<string> notAsked) => new(
        ProblemCode.NotFound,
        $"There is no workspace '{id}' without a session. List them: `berth server orphans list`." + (notAsked.Count > 0 ? $" Not asked: {string.Join(" ", notAsked)}" : ""));

    private async Task<List<OrphanView>> WithoutRowAsync(string provider, IReadOnlyList<KeptWorkspace> all, CancellationToken ct)
    {
        if (all.Count == 0)
            return [];
        await using var connection = await db.OpenAsync(ct);
        var known = (await connection.QueryAsync<string>("SELECT workspace FROM sessions WHERE provider = @provider", new { provider })).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var names = (await connection.QueryAsync<(string Id, string Name)>("SELECT id, username FROM users")).ToDictionary(u => u.Id, u => u.Name);
        return [.. all.Where(w => !known.Contains(w.Id)).Select(w =>
            new OrphanView(w.Id, provider, w.MadeAt, w.OwnerId, w.OwnerId is null ? null : names.GetValueOrDefault(w.OwnerId), w.SessionName, null))];
    }
}
