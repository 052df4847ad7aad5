using Berth.Contracts.Sessions;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Berth.Server.Sessions;

/// <summary>Berth's own routes of sessions. <c>{session}</c> is an id or the name of one that is not ended.</summary>
public static class SessionsApi
{
    public static IEndpointRouteBuilder MapSessionsApi(this IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/api/berth/sessions").WithTags("sessions");
        sessions.MapPost("/", StartAsync).WithSummary("Start a session, or return the live one of the same launcher");
        sessions.MapGet("/", ListAsync).WithSummary("The caller's sessions, newest first; with ended=true, those that are over");
        sessions.MapGet("/{session}", FindAsync).WithSummary("One session");
        sessions.MapPost("/{session}/pause", PauseAsync).WithSummary("Give back compute, keep the work");
        sessions.MapPost("/{session}/resume", ResumeAsync).WithSummary("Start it again in its workspace");
        sessions.MapPost("/{session}/stop", StopAsync).WithSummary("End it");
        sessions.MapPost("/{session}/extend", ExtendAsync).WithSummary("Idleness does not stop it before then; its maximum age does");
        sessions.MapPost("/{session}/priority", PrioritiseAsync).WithSummary("Let it go sooner or later than others while it waits in line; above 0 is for admins");
        sessions.MapGet("/{session}/events", EventsAsync).WithSummary("Its history, oldest first");
        sessions.MapGet("/{session}/logs", SessionLogsApi.StreamAsync).WithSummary("Its log as text; follow=true goes on as it grows")
            .Produces<string>(200, "text/plain");
        return routes;
    }

    private static async Task<Results<Created<SessionView>, Ok<SessionView>>> StartAsync(
        StartRequest request, Caller caller, StartSession start, CancellationToken ct)
    {
        var (session, created) = await start.StartAsync(caller, request, ct);
        return created ? TypedResults.Created($"/api/berth/sessions/{session.Id}", session) : TypedResults.Ok(session);
    }

    private static async Task<Ok<List<SessionView>>> ListAsync(
        [AsParameters] PageRequest page, Caller caller, SessionQueries queries, HttpContext context, CancellationToken ct, bool ended = false) =>
        (await queries.ListAsync(caller, ended, page, ct)).Answer(context);

    private static async Task<Ok<SessionView>> FindAsync(string session, Caller caller, SessionQueries queries, CancellationToken ct) =>
        TypedResults.Ok(await queries.FindAsync(caller, session, ct));

    private static async Task<Ok<SessionView>> PauseAsync(string session, Caller caller, SessionCommands commands, CancellationToken ct) =>
        TypedResults.Ok(await commands.PauseAsync(caller, session, ct));

    private static async Task<Ok<SessionView>> ResumeAsync(
        string session, ResumeRequest? request, Caller caller, SessionCommands commands, CancellationToken ct) =>
        TypedResults.Ok(await commands.ResumeAsync(caller, session, request ?? new ResumeRequest(), ct));

    private static async Task<Ok<SessionView>> StopAsync(
        string session, Caller caller, SessionCommands commands, CancellationToken ct,
        [FromQuery(Name = "delete_work")] bool deleteWork = false) =>
        TypedResults.Ok(await commands.StopAsync(caller, session, deleteWork, ct));

    private static async Task<Ok<SessionView>> ExtendAsync(
        string session, ExtendRequest? request, Caller caller, SessionCommands commands, CancellationToken ct) =>
        TypedResults.Ok(await commands.ExtendAsync(caller, session, request ?? new ExtendRequest(), ct));

    private static async Task<Ok<SessionView>> PrioritiseAsync(
        string session, PriorityRequest request, Caller caller, SessionCommands commands, CancellationToken ct) =>
        TypedResults.Ok(await commands.PrioritiseAsync(caller, session, request.Priority, ct));

    private static async Task<Ok<List<SessionEvent>>> EventsAsync(string session, Caller caller, SessionQueries queries, CancellationToken ct) =>
        TypedResults.Ok(await queries.EventsAsync(caller, session, ct));
}
