using Berth.Contracts.Agents;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Berth.Server.Agents;

/// <summary>Registers the agents' sockets, the hub, their tokens and the sessions' logs.</summary>
public static class AgentsRoom
{
    public static IServiceCollection AddAgents(this IServiceCollection services)
    {
        services.AddSingleton<AgentTokens>();
        services.AddSingleton<SshHostKeys>();
        services.AddSingleton<AgentHub>();
        services.AddSingleton<AgentWays>();
        services.AddSingleton<ProviderInstances>();
        services.AddSingleton<SessionLogs>();
        services.AddSingleton<AgentSockets>();
        services.AddSingleton<IConnectionListenerFactory>(provider => provider.GetRequiredService<AgentSockets>());
        services.Configure<KestrelServerOptions>(kestrel => kestrel.Listen(new AgentEndPoint(), listen => listen.Protocols = HttpProtocols.Http1));
        services.AddSingleton<IStartupFilter, AgentGate>();
        return services;
    }

    /// <summary>For agents on other machines.</summary>
    public static void MapAgents(this IEndpointRouteBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        // All agents of a site may come from one address, and after a restart all at once; a token cannot be guessed.
        app.MapGet(AgentRoutes.Control, AgentEndpoints.HandleAsync).DisableRateLimiting().ExcludeFromDescription();
        app.MapGet(AgentRoutes.Stream, AgentEndpoints.HandleAsync).DisableRateLimiting().ExcludeFromDescription();
    }

    /// <summary>
    /// Parts the connections of sessions' own sockets from all others before anything else sees them: on them there is
    /// neither sign-in nor page nor API. A startup filter, so that no order in Program.cs can undo it.
    /// </summary>
    private sealed class AgentGate : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.MapWhen(context => context.Features.Get<AgentConnection>() is not null, agents =>
            {
                agents.Use(AgentConnection.UseBytesAsync);
                // On a socket of this machine the kernel tells of a dead peer: no pings.
                agents.UseWebSockets(new WebSocketOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
                agents.Run(AgentEndpoints.HandleAsync);
            });
            next(app);
        };
    }
}
