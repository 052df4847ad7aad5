using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Sessions;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Connections;

/// <summary>Ways into sessions for commands: streams to their agents, their limits, and the record of who was connected.</summary>
public static class ConnectionsRoom
{
    public static IServiceCollection AddSessionConnections(this IServiceCollection services) => services
        .AddSingleton<StreamLimits>()
        .AddSingleton<ServiceRelay>()
        .AddSingleton<ConnectionQueries>()
        .AddSingleton<ConnectionLog>()
        .AddHostedService(provider => provider.GetRequiredService<ConnectionLog>());

    public static IEndpointRouteBuilder MapConnections(this IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/api/berth/sessions").WithTags("sessions");
        sessions.MapGet("/{session}/connect", ConnectAsync)
            .WithSummary("A WebSocket to the session's agent, for its services (ports among them); anything but a WebSocket is told whether one would be taken. With ahead=true for a stream that is still to come")
            .Produces(StatusCodes.Status101SwitchingProtocols)
            .Produces(StatusCodes.Status204NoContent)
            .Produces<ProblemBody>(StatusCodes.Status409Conflict);
        sessions.MapGet("/{session}/ssh", SshAsync).WithSummary("What an SSH client has to know of it before it connects: its host key");
        sessions.MapGet("/{session}/front_end", FrontEndAsync).WithSummary("What a browser needs that reaches its front end by a local port: the token");
        sessions.MapGet("/{session}/connections", ListAsync).WithSummary("Who was connected to it, newest first");
        routes.MapGet("/api/berth/connections", ListAllAsync).WithTags("sessions (admins)").WithSummary("Who was connected to any session, newest first (admins)");
        return routes;
    }

    private static Task ConnectAsync(string session, Caller caller, HttpContext context, ServiceRelay relay, bool ahead = false) =>
        relay.ServeAsync(session, ahead, caller, context);

    private static async Task<Ok<SshView>> SshAsync(string session, Caller caller, SessionQueries sessions, SshHostKeys keys, CancellationToken ct) =>
        TypedResults.Ok(new SshView(keys.Public((await sessions.RequireAsync(caller, session, ct)).Session.Id)));

    private static async Task<Ok<FrontEndView>> FrontEndAsync(string session, Caller caller, SessionQueries sessions, AgentTokens tokens, CancellationToken ct) =>
        TypedResults.Ok(new FrontEndView(tokens.FrontEndToken((await sessions.RequireAsync(caller, session, ct)).Session.Id)));

    private static async Task<Ok<List<ConnectionView>>> ListAsync(
        string session, [AsParameters] PageRequest page, Caller caller, ConnectionQueries connections, HttpContext context, CancellationToken ct) =>
        (await connections.OfSessionAsync(caller, session, page, ct)).Answer(context);

    private static async Task<Ok<List<ConnectionView>>> ListAllAsync(
        [AsParameters] PageRequest page, ConnectionQueries connections, HttpContext context, CancellationToken ct, string? user = null) =>
        (await connections.OfAllAsync(user, page, ct)).Answer(context);
}
