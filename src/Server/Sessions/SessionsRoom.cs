using Berth.Server.Health;
using Berth.Server.Live;
using Berth.Server.Sessions.LeftOvers;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Server.Sessions;

/// <summary>The room of sessions: start, commands, queries, reconciler.</summary>
public static class SessionsRoom
{
    public static IServiceCollection AddSessions(this IServiceCollection services) => services
        .AddSingleton<SessionStore>()
        .AddHostedService<SessionsStartup>()
        .AddSingleton<SessionViews>()
        .AddSingleton<SessionQueries>()
        .AddSingleton<SessionCommands>()
        .AddSingleton<ClassChooser>()
        .AddSingleton<LaunchTargets>()
        .AddSingleton<AdminSessions>()
        .AddSingleton<Continuation>()
        .AddSingleton<Replacement>()
        .AddSingleton<StartSession>()
        .AddSingleton<Nudges>()
        .AddSingleton<AgentOrders>()
        .AddSingleton<SessionActs>()
        .AddSingleton<ProviderHealth>()
        .AddHostedService<Reconciler>()
        .AddSingleton<LeftOverFolders>()
        .AddSingleton<Orphans>()
        .AddSingleton<LeftOverWatch>()
        .AddSingleton<IHealthProbe>(services => services.GetRequiredService<LeftOverWatch>())
        .AddHostedService(services => services.GetRequiredService<LeftOverWatch>())
        .AddSingleton<HistoryKeeper>()
        .AddHostedService(services => services.GetRequiredService<HistoryKeeper>());

    public static IEndpointRouteBuilder MapSessions(this IEndpointRouteBuilder routes) => routes
        .MapSessionsApi()
        .MapAdminSessions()
        .MapOrphans()
        .MapRenkuSessionsApi()
        .MapChanges();
}
