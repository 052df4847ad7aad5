using Berth.Server.Sessions;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Berth.Server.Agents;

/// <summary>Registers the agents' sockets, the hub, their tokens and the sessions' logs.</summary>
public static class AgentsRoom
{
    public static IServiceCollection AddAgents(this IServiceCollection services)
    {
        services.AddSingleton<AgentTokens>();
        services.AddSingleton<AgentHub>();
        services.AddSingleton<SessionLogs>();
        services.AddSingleton<AgentSockets>();
        services.AddSingleton<IConnectionListenerFactory>(provider => provider.GetRequiredService<AgentSockets>());
        services.Configure<KestrelServerOptions>(kestrel => kestrel.Listen(new AgentEndPoint(), listen => listen.Protocols = HttpProtocols.Http1));
        services.AddSingleton<IStartupFilter, AgentGate>();
        return services;
    }

    /// <summary>
    /// Parts the agents' connections from all others before anything else sees them: on them there is neither sign-in nor
    /// page nor API, and nowhere else are there agents' routes. A startup filter, so that no order in Program.cs can undo it.
    /// </summary>
    private sealed class AgentGate : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.MapWhen(context => context.Features.Get<IAgentConnection>() is not null, agents =>
            {
                // On a socket of this machine the kernel tells of a dead peer: no pings.
                agents.UseWebSockets(new WebSocketOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
                agents.Run(AgentEndpoints.HandleAsync);
            });
            next(app);
        };
    }
}
