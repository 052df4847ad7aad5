using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Dapper;

namespace Berth.Server.Nodes;

/// <summary>What owners and admins ask of machines.</summary>
public sealed class NodeCommands(NodeDirectory nodes, NodeQueries queries, ProviderInstances instances, SessionStore store, TimeProvider clock, ILogger<NodeCommands> log)
{
    private const int Named = 5;
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(30);

    /// <summary>It finishes what runs and takes nothing new; or takes sessions again.</summary>
    public async Task<NodeView> DrainAsync(Caller caller, string node, bool draining, CancellationToken ct)
    {
        var found = queries.Require(caller, node);
        await nodes.ChangeAsync(connection => connection.ExecuteAsync("UPDATE nodes SET draining = @draining WHERE id = @Id", new { draining, found.Row.Id }), ct);
        return await queries.FindAsync(caller, found.Row.Id, ct);
    }

    /// <summary>
    /// Forgets a machine. 1. Without force, none whose sessions have not ended. 2. It is no provider any more, so that nothing
    /// is begun there. 3. What runs there is stopped, where it can be reached. 4. The sessions end; their work stays there.
    /// </summary>
    public async Task RemoveAsync(Caller caller, string node, bool force, CancellationToken ct)
    {
        var found = queries.Require(caller, node);
        var open = await store.OpenSessionsAsync(found.Row.Instance, ct);
        var live = open.Where(s => s.Session.Status != SessionStatus.Ended).ToList();
        if (live.Count > 0 && !force)                                                                                    // 1
            throw new ProblemException(ProblemCode.Conflict, Refusal(found.Row.Name, live));
        var provider = instances.Find(found.Row.Instance)?.Provider;
        instances.Remove(found.Row.Instance);                                                                            // 2
        if (provider is not null && found.Link.IsConnected)
            await StopAllAsync(found, provider, ct);                                                                     // 3
        foreach (var session in open)
            await EndAsync(caller, found, session, ct);                                                                  // 4
        await nodes.ChangeAsync(connection => connection.ExecuteAsync("DELETE FROM nodes WHERE id = @Id", new { found.Row.Id }), ct);
        foreach (var late in await store.OpenSessionsAsync(found.Row.Instance, ct)) // placed there meanwhile: none is from now on
            await EndAsync(caller, found, late, ct);
        log.LogInformation("Node {Name} was removed by {By}", found.Row.Name, caller.Username);
    }

    private static string Refusal(string node, List<StoredSession> live)
    {
        var names = string.Join(", ", live.Take(Named).Select(s => $"'{s.Facts.Name}'")) + (live.Count > Named ? $" and {live.Count - Named} more" : "");
        return $"{node} has {live.Count} session{(live.Count == 1 ? "" : "s")} that {(live.Count == 1 ? "has" : "have")} not ended: {names}. Let it finish them first (`berth node drain {node}`), "
            + $"or stop them. To remove it with them: `berth node remove {node} --force`; their work then stays on the machine, out of Berth's reach.";
    }

    private async Task StopAllAsync(NodeEntry node, ISessionProvider provider, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_stopWithin, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await foreach (var observation in provider.ObserveAsync(either.Token))
                await provider.StopAsync(observation.Key, StopMode.KeepWorkspace, either.Token);
        }
        catch (Exception e) when (e is ProviderException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            log.LogWarning("What runs on {Name} could not all be stopped before it was removed: {Why}", node.Row.Name, e.Message);
        }
    }

    private async Task EndAsync(Caller caller, NodeEntry node, StoredSession session, CancellationToken ct)
    {
        for (StoredSession? before = session; before is not null; before = await store.FindAsync(session.Session.Id, ct))
        {
            var after = before with { Session = Lifecycle.Abandoned(before.Session, $"{node.Row.Name}, by {caller.Username}.", clock.GetUtcNow()) };
            if (await store.SaveAsync(before, after, new Ask(caller.Username), ct) is not null)
                return;
        }
    }
}
