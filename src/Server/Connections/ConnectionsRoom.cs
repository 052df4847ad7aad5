namespace Berth.Server.Connections;

/// <summary>Ways into sessions for commands: streams to their agents, their limits.</summary>
public static class ConnectionsRoom
{
    public static IServiceCollection AddSessionConnections(this IServiceCollection services) => services
        .AddSingleton<StreamLimits>()
        .AddSingleton<ServiceRelay>();

    public static IEndpointRouteBuilder MapConnections(this IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/api/berth/sessions").WithTags("sessions");
        sessions.MapGet("/{session}/connect", ConnectAsync)
            .WithSummary("A WebSocket to the session's agent, for its services (ports among them); anything but a WebSocket is told whether one would be taken")
            .Produces(StatusCodes.Status101SwitchingProtocols)
            .Produces(StatusCodes.Status204NoContent)
            .Produces(StatusCodes.Status409Conflict);
        return routes;
    }

    private static Task ConnectAsync(string session, Auth.Caller caller, HttpContext context, ServiceRelay relay) =>
        relay.ServeAsync(session, caller, context);
}
