using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Server.Agents;

/// <summary>How a session's agent comes to the server: it has its own socket here, or it comes over the network.</summary>
public sealed class AgentWays(SessionDirectory directory, ProviderInstances providers)
{
    /// <summary>Whether it runs where the server has no socket for it. A session that is not known does not.</summary>
    public bool ComeByNetwork(string sessionId) => directory.TryGet(sessionId, out var route) && providers.Find(route.Provider)?.AgentsByNetwork is true;
}
