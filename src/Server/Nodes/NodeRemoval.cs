using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Dapper;

namespace Berth.Server.Nodes;

/// <summary>Forgets machines.</summary>
/// <remarks>
/// 1. One without sessions and work is forgotten at once; another one only by force. 2. It takes nothing new. 3. What runs
/// there is stopped as its owners would stop it, and waited for where the machine can be reached. 4. All that has not ended
/// ends, and the work stays there. 5. It is forgotten, in the transaction that sees that nothing is left.
/// Until then it is a machine like others: what is broken off in between leaves it drained, to be removed again.
/// </remarks>
public sealed class NodeRemoval(
    NodeDirectory nodes, NodeQueries queries, SessionStore store, Nudges nudges, IHostApplicationLifetime server, TimeProvider clock, ILogger<NodeRemoval> log)
{
    private const int Named = 5;
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(30);

    // Another server may be the one that looks after the machine: it tells nothing here.
    private static readonly TimeSpan s_lookEvery = TimeSpan.FromSeconds(1);

    /// <summary>Forgets one.</summary>
    /// <exception cref="ProblemException">It has sessions or work, and is not to be forced.</exception>
    public async Task<NodeRemoved> RemoveAsync(Caller caller, string node, bool force, CancellationToken ct)
    {
        var found = queries.Require(caller, node);
        var left = await ForgetAsync(found.Row, ct);                                                                // 1
        if (left.Count > 0 && !force)
            throw new ProblemException(ProblemCode.Conflict, Refusal(found.Row.Name, left));
        var removed = left.Count == 0 ? new NodeRemoved(found.Row.Name, [], 0) : await ForceAsync(found, caller.Username);
        log.LogInformation("Node {Name} was removed by {By}", found.Row.Name, caller.Username);
        return removed;
    }

    /// <summary>Once begun it is brought to its end, whether or not who asked still listens.</summary>
    private async Task<NodeRemoved> ForceAsync(NodeEntry node, string by)
    {
        var ct = server.ApplicationStopping;
        try
        {
            await nodes.DrainAsync(node.Row.Id, draining: true, ct);                                                // 2
            var running = await StopAllAsync(node, by, ct);                                                         // 3
            var kept = 0;
            do
            {
                foreach (var session in await store.OpenSessionsAsync(node.Row.Instance, ct))
                    kept += await EndAsync(session, node.Row, by, ct) ? 1 : 0;                                      // 4
            }
            while ((await ForgetAsync(node.Row, ct)).Count > 0);                                                    // 5
            return new NodeRemoved(node.Row.Name, running, kept);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            throw new ProblemException(ProblemCode.Unavailable, $"The server stops. {node.Row.Name} takes nothing new, and its sessions are being stopped: remove it again when the server is back.");
        }
    }

    /// <returns>What keeps it from being forgotten; nothing: it is.</returns>
    private Task<IReadOnlyList<StoredSession>> ForgetAsync(NodeRow node, CancellationToken ct) => nodes.ChangeAsync(
        async connection =>
        {
            var left = await SessionStore.OpenSessionsAsync(node.Instance, connection);
            if (left.Count == 0)
                await connection.ExecuteAsync("DELETE FROM nodes WHERE id = @Id", new { node.Id });
            return left;
        },
        ct);

    private static string Refusal(string node, IReadOnlyList<StoredSession> left)
    {
        var live = left.Where(s => s.Session.Status != SessionStatus.Ended).ToList();
        var over = left.Where(s => s.Session.Status == SessionStatus.Ended).ToList();
        var why = new List<string>();
        if (live.Count > 0)
            why.Add($"{node} has {Count(live)} that {(live.Count == 1 ? "has" : "have")} not ended: {Names(live)}. Let it finish them first (`berth node drain {node}`), or stop them.");
        if (over.Count > 0)
            why.Add($"It keeps the work of {Count(over)} that ended: {Names(over)}. Wait until that has run out, or delete it (`berth session stop NAME --delete-work`).");
        return $"{string.Join(' ', why)} To remove it with them: `berth node remove {node} --force`; their work then stays on the machine, out of Berth's reach.";
    }

    private static string Count(List<StoredSession> sessions) => $"{sessions.Count} session{(sessions.Count == 1 ? "" : "s")}";

    private static string Names(List<StoredSession> sessions) =>
        string.Join(", ", sessions.Take(Named).Select(s => $"'{s.Facts.Name}'")) + (sessions.Count > Named ? $" and {sessions.Count - Named} more" : "");

    /// <returns>Names of those of which it is not known that they were stopped.</returns>
    private async Task<List<string>> StopAllAsync(NodeEntry node, string by, CancellationToken ct)
    {
        using var saved = new SemaphoreSlim(0);
        void OnSaved(StoredSession session)
        {
            if (session.Facts.Provider == node.Row.Instance)
                saved.Release();
        }

        store.Published += OnSaved;
        try
        {
            foreach (var session in await store.OpenSessionsAsync(node.Row.Instance, ct))
                await WishAsync(session, node.Row, by, ct);
            for (var until = clock.GetUtcNow() + s_stopWithin; ;)
            {
                var running = (await store.OpenSessionsAsync(node.Row.Instance, ct)).Where(s => s.Session.Step != Step.Stopped).Select(s => s.Facts.Name).ToList();
                if (running.Count == 0 || !node.Link.IsConnected || clock.GetUtcNow() >= until)
                    return running;
                await saved.WaitAsync(s_lookEvery, ct);
            }
        }
        finally
        {
            store.Published -= OnSaved;
        }
    }

    private async Task WishAsync(StoredSession session, NodeRow node, string by, CancellationToken ct)
    {
        var stopped = await ChangeAsync(session, by, s => Lifecycle.Stop(s, deleteWork: false, clock.GetUtcNow(), Reason.NodeRemoved, Detail(node, by)), ct);
        nudges.Nudge(stopped.Facts.Provider, stopped.Session.Id);
    }

    /// <returns>Whether work of it is there.</returns>
    private async Task<bool> EndAsync(StoredSession session, NodeRow node, string by, CancellationToken ct)
    {
        var work = new NewEvent("work", $"Its work is on {node.Name}, which was removed: Berth does not reach it any more.", clock.GetUtcNow());
        var ended = await ChangeAsync(session, by, s => Lifecycle.Abandoned(s, Detail(node, by), clock.GetUtcNow()), ct, session.Session.HasWorkspace ? [work] : []);
        return session.Session.HasWorkspace && ended.Session.Status == SessionStatus.Ended;
    }

    private async Task<StoredSession> ChangeAsync(StoredSession session, string by, Func<Session, Session> change, CancellationToken ct, params NewEvent[] events)
    {
        for (var before = session; ; before = await store.FindAsync(before.Session.Id, ct) ?? before)
        {
            var after = before with { Session = change(before.Session) };
            if (after.Session == before.Session || await store.SaveAsync(before, after, new Ask(by), ct, events) is not null)
                return after;
        }
    }

    private static string Detail(NodeRow node, string by) => $"{node.Name}, by {by}.";
}
