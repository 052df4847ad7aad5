using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Sessions;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Sessions;

/// <summary>Everybody's sessions, for admins.</summary>
public static class AllSessionPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/sessions/all", ListAsync);
        pages.MapPost("/sessions/all/{id}/pause", PauseAsync);
        pages.MapPost("/sessions/all/{id}/stop", StopAsync);
        pages.MapPost("/sessions/all/{id}/priority", PrioritiseAsync);
    }

    private static async Task<IResult> ListAsync(int? page, string? user, string? ended, AdminSessions sessions, CancellationToken ct)
    {
        var only = string.IsNullOrWhiteSpace(user) ? null : user.Trim();
        return Pages.Show<AllSessionsPage>(
            (nameof(AllSessionsPage.Sessions), await sessions.ListAsync(ended is not null, only, new PageRequest(page, AllSessionsPage.Size), ct)),
            (nameof(AllSessionsPage.User), only),
            (nameof(AllSessionsPage.Ended), ended is not null));
    }

    private static async Task<IResult> PauseAsync(
        string id, PageForm form, Caller caller, AdminSessions sessions, Toasts toasts, HttpContext context, CancellationToken ct) =>
        Done(await sessions.PauseAsync(caller, id, ct), "is being paused; its work is kept", toasts, context);

    private static async Task<IResult> StopAsync(
        string id, PageForm form, Caller caller, AdminSessions sessions, Toasts toasts, HttpContext context, CancellationToken ct) =>
        Done(await sessions.StopAsync(caller, id, ct), "is being stopped; its work is kept for a while", toasts, context);

    private static async Task<IResult> PrioritiseAsync(
        string id, PageForm form, Caller caller, AdminSessions sessions, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var priority = form.Int("priority") ?? throw new ProblemException(ProblemCode.Invalid, "Say a priority: a whole number, 0 is ordinary.", "priority");
        return Done(await sessions.PrioritiseAsync(caller, id, priority, ct), $"waits with the priority {priority}", toasts, context);
    }

    private static IResult Done(AdminSessionView session, string what, Toasts toasts, HttpContext context)
    {
        toasts.Show(context, new Toast("success", $"{session.Name} of {session.Username} {what}."));
        return Pages.After(context, "/sessions/all");
    }
}
