using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Server.Agents;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>Carries out acts: what a start and a stop mean beside the provider's own part. Every step may be repeated.</summary>
public sealed class SessionActs(AgentOrders orders, AgentSockets sockets, AgentWays ways, AgentHub hub, SessionLogs logs)
{
    /// <summary>Tells whoever is inside a session that a deadline is near. Who is not there is told by pages and commands.</summary>
    public void Warn(StoredSession stored, DateTimeOffset now)
    {
        if (Warnings.Of(stored.Session) is { } near && stored.Session.Status == SessionStatus.Running)
            hub.Notify(stored.Session.Key, $"In {Deadline.Words(TimeSpan.FromSeconds(Math.Round((near.At - now).TotalSeconds)))}: {Warnings.Sentence(near, stored.Facts.Name).Replace("`", "", StringComparison.Ordinal)}");
    }

    /// <summary>Carries out one act.</summary>
    /// <param name="provider">Where.</param>
    /// <param name="act">Which.</param>
    /// <param name="stored">The session as saved, the intent included.</param>
    /// <param name="progress">Told of stages.</param>
    public async Task PerformAsync(
        ISessionProvider provider, RunningAct act, StoredSession stored, IProgress<StageReport> progress)
    {
        var ct = act.Cancel.Token;
        if (act.Kind == Act.Start)
        {
            if (!ways.ComeByNetwork(act.Key.SessionId))
                sockets.Open(act.Key.SessionId);
            await provider.StartAsync(await orders.ForAsync(stored, ct), progress, ct);
            return;
        }

        await provider.StopAsync(act.Key, act.Kind == Act.StopAndDelete ? StopMode.DeleteWorkspaceOf(stored.Workspace) : StopMode.KeepWorkspace, ct);
        hub.Forget(act.Key.SessionId);
        sockets.Close(act.Key.SessionId);
        logs.Finish(act.Key);
        if (act.Kind == Act.StopAndDelete)
            logs.Delete(act.Key.SessionId);
    }
}
