using Berth.Core.Sessions;
using Berth.Server.Agents;

namespace Berth.Server.Sessions;

/// <summary>
/// Before the server listens: everything that requests and agents rely on is in memory, so that nobody notices a restart.
/// </summary>
public sealed class SessionsStartup(SessionStore store, SessionDirectory directory, AgentSockets sockets, AgentWays ways) : IHostedService
{
    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var stored in await store.LiveAsync(cancellationToken))
        {
            directory.Set(stored.Route());
            if (stored.Session.Status is SessionStatus.Launching or SessionStatus.Running && !ways.ComeByNetwork(stored.Session.Id))
                sockets.Open(stored.Session.Id);
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
