using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Sessions;

/// <summary>
/// Everybody's sessions, for admins: what they hold and how they are, not what is in them. An admin may take back compute,
/// and say who of those that wait goes first, which the owner is told; nothing else.
/// </summary>
public sealed class AdminSessions(Db db, SessionStore store, SessionQueries queries, SessionCommands commands, TimeProvider clock)
{
    /// <summary>Newest first.</summary>
    /// <param name="ended">Those that are over, instead of those that are not.</param>
    /// <param name="user">Only those of this user, by name.</param>
    /// <param name="page">Which part.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<PageOf<AdminSessionView>> ListAsync(bool ended, string? user, PageRequest page, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var where = $"s.status {(ended ? "=" : "<>")} 'ended'{(user is null ? "" : " AND u.username = @user")}";
        return (await SessionQueries.PageAsync(connection, where, new { user }, page)).Select(found => View(queries.View(found)));
    }

    /// <summary>Ends it; its work is kept for the retention time.</summary>
    public Task<AdminSessionView> StopAsync(Caller admin, string id, CancellationToken ct) =>
        ChangeAsync(admin, id, "stop", "Stopped", (s, now, reason) => Lifecycle.Stop(s, deleteWork: false, now, reason, admin.Username), ct);

    /// <summary>Gives back its compute, keeps its work.</summary>
    public Task<AdminSessionView> PauseAsync(Caller admin, string id, CancellationToken ct) =>
        ChangeAsync(admin, id, "pause", "Paused", (s, now, reason) => Lifecycle.Pause(s, now, reason, admin.Username), ct);

    /// <summary>Lets it go sooner or later than others while it waits in line for a machine.</summary>
    public Task<AdminSessionView> PrioritiseAsync(Caller admin, string id, int priority, CancellationToken ct)
    {
        StartRules.CheckPriority(priority, admin);
        return ChangeAsync(admin, id, "change its place in line", $"Given the priority {priority} in line", (s, _, _) => Lifecycle.Prioritised(s, priority), ct);
    }

    private async Task<AdminSessionView> ChangeAsync(
        Caller admin, string id, string verb, string done, Func<Session, DateTimeOffset, Reason, Session> change, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        return View(await commands.ChangeAsync(
            new Asked(admin, verb, async token => await store.FindAsync(id.ToUpperInvariant(), token)
                ?? throw new ProblemException(ProblemCode.NotFound, $"There is no session '{id}'. List them: `berth session list --all-users`.")),
            stored => stored with { Session = change(stored.Session, now, stored.Facts.UserId == admin.UserId ? Reason.ByUser : Reason.ByAdmin) },
            [new NewEvent("admin", $"{done} by the administrator {admin.Username}.", now)],
            ct));
    }

    internal static AdminSessionView View(SessionView of) => new(
        of.Id, of.Name, of.Berth.UserId, of.Berth.Username, of.Berth.Status, of.Berth.Reason, of.Berth.Stage, of.Image, of.Resources.Requests,
        of.Berth.PoolName, of.Berth.ClassName, of.Berth.Provider, of.Started, of.Berth.StatusSince, of.LastInteraction, of.Berth.StopsAt,
        of.Berth.StopsBecause, of.Berth.WorkKept, of.Berth.DiskUsed, of.Berth.DiskMeasuredAt, of.Berth.Line?.Priority);
}

/// <summary>The API of everybody's sessions.</summary>
public static class AdminSessionsApi
{
    public static IEndpointRouteBuilder MapAdminSessions(this IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/api/berth/all_sessions").WithTags("sessions (admins)");
        sessions.MapGet("/", ListAsync).WithSummary("Everybody's sessions, without what is in them (admins)");
        sessions.MapPost("/{session}/pause", PauseAsync).WithSummary("Pause anybody's session; its owner is told (admins)");
        sessions.MapPost("/{session}/stop", StopAsync).WithSummary("End anybody's session and keep its work; its owner is told (admins)");
        sessions.MapPost("/{session}/priority", PrioritiseAsync).WithSummary("Let anybody's session that waits in line go sooner or later; its owner is told (admins)");
        return routes;
    }

    private static async Task<Ok<List<AdminSessionView>>> ListAsync(
        [AsParameters] PageRequest page, AdminSessions sessions, HttpContext context, CancellationToken ct, bool ended = false, string? user = null) =>
        (await sessions.ListAsync(ended, user, page, ct)).Answer(context);

    private static async Task<Ok<AdminSessionView>> PauseAsync(string session, Caller caller, AdminSessions sessions, CancellationToken ct) =>
        TypedResults.Ok(await sessions.PauseAsync(caller, session, ct));

    private static async Task<Ok<AdminSessionView>> PrioritiseAsync(
        string session, PriorityRequest request, Caller caller, AdminSessions sessions, CancellationToken ct) =>
        TypedResults.Ok(await sessions.PrioritiseAsync(caller, session, request.Priority, ct));

    private static async Task<Ok<AdminSessionView>> StopAsync(string session, Caller caller, AdminSessions sessions, CancellationToken ct) =>
        TypedResults.Ok(await sessions.StopAsync(caller, session, ct));
}
