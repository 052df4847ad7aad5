using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Server.Auth;
using Berth.Server.Connections;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Sessions;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Sessions;

/// <summary>The caller's sessions: cards, one in full, start, history, and what is done to them.</summary>
public static class SessionPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/", ListAsync);
        pages.MapGet("/sessions", () => Results.Redirect("/"));
        pages.MapGet("/sessions/new", NewAsync);
        pages.MapPost("/sessions", StartAsync);
        pages.MapGet("/sessions/history", HistoryAsync);
        pages.MapGet("/sessions/{id}", ShowAsync);
        pages.MapPost("/sessions/{id}/pause", PauseAsync);
        pages.MapPost("/sessions/{id}/resume", ResumeAsync);
        pages.MapPost("/sessions/{id}/extend", ExtendAsync);
        pages.MapPost("/sessions/{id}/continue", ContinueAsync);
        pages.MapPost("/sessions/{id}/elsewhere", StartElsewhereAsync);
        pages.MapGet("/sessions/{id}/stop", AskStopAsync);
        pages.MapPost("/sessions/{id}/stop", StopAsync);
    }

    private static async Task<IResult> ListAsync(Caller caller, SessionQueries queries, Choices choices, CancellationToken ct)
    {
        var offered = await choices.LoadAsync(caller, ct);
        return Pages.Show<SessionsPage>(
            (nameof(SessionsPage.IsAdmin), caller.IsAdmin),
            (nameof(SessionsPage.Sessions), await queries.ListAsync(caller, ct)),
            (nameof(SessionsPage.Launchers), offered.Launchers),
            (nameof(SessionsPage.Environments), offered.Environments),
            (nameof(SessionsPage.Projects), offered.Projects));
    }

    private static async Task<IResult> HistoryAsync(int? page, Caller caller, SessionQueries queries, CancellationToken ct) =>
        Pages.Show<HistoryPage>((nameof(HistoryPage.Sessions), await queries.ListAsync(caller, ended: true, new PageRequest(page, HistoryPage.Size), ct)));

    private static async Task<IResult> ShowAsync(string id, Caller caller, SessionQueries queries, ConnectionQueries connections, Choices choices, CancellationToken ct)
    {
        var session = await queries.FindAsync(caller, id, ct);
        var pools = (await choices.LoadAsync(caller, ct)).Pools;
        return Pages.Show<SessionPage>(
            (nameof(SessionPage.Session), session),
            (nameof(SessionPage.Events), await queries.EventsAsync(caller, session.Id, ct)),
            (nameof(SessionPage.Connections), await connections.OfSessionAsync(caller, session.Id, new PageRequest(1, SessionPage.ConnectionsShown), ct)),
            (nameof(SessionPage.Classes), pools.FirstOrDefault(p => p.Classes.Any(c => c.Id == session.ResourceClassId))?.Classes ?? []));
    }

    private static Task<IResult> NewAsync(string? environment, string? launcher, string? image, Caller caller, Choices choices, CancellationToken ct) =>
        FormAsync(
            200,
            PageForm.Of(
                ("what", environment is not null ? "environment" : launcher is not null ? "launcher" : image is not null ? "image" : null),
                ("environment_id", environment),
                ("launcher_id", launcher),
                ("image", image)),
            caller, choices, ct);

    private static async Task<IResult> StartAsync(
        PageForm form, Caller caller, StartSession start, Choices choices, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            var (session, created) = await start.StartAsync(caller, StartForm.Read(form), ct);
            if (!created)
                toasts.Show(context, new Toast("success", $"You have this session already: {session.Name}."));
            return Pages.After(context, $"/sessions/{session.Id}");
        }
        catch (ProblemException problem)
        {
            return await FormAsync(problem.Code.Status(), StartForm.Shown(form).Refused(problem), caller, choices, ct);
        }
    }

    private static async Task<IResult> FormAsync(int status, PageForm form, Caller caller, Choices choices, CancellationToken ct)
    {
        var offered = await choices.LoadAsync(caller, ct);
        return Pages.Show<StartPage>(
            status,
            (nameof(StartPage.Form), form),
            (nameof(StartPage.Launchers), offered.Launchers),
            (nameof(StartPage.Environments), offered.Environments),
            (nameof(StartPage.Pools), offered.Pools),
            (nameof(StartPage.Projects), offered.Projects));
    }

    private static async Task<IResult> PauseAsync(
        string id, PageForm form, Caller caller, SessionCommands commands, Toasts toasts, HttpContext context, CancellationToken ct) =>
        Done(await commands.PauseAsync(caller, id, ct), "is being paused; its work is kept", toasts, context);

    private static async Task<IResult> ResumeAsync(
        string id, PageForm form, Caller caller, SessionCommands commands, Toasts toasts, HttpContext context, CancellationToken ct) =>
        Done(await commands.ResumeAsync(caller, id, new ResumeRequest(form.Int("resource_class_id")), ct), "starts again", toasts, context);

    private static async Task<IResult> ExtendAsync(
        string id, PageForm form, Caller caller, SessionCommands commands, Toasts toasts, HttpContext context, CancellationToken ct) =>
        await commands.ExtendAsync(caller, id, new ExtendRequest(), ct) is var session && session.Berth is { Status: "running", CanExtend: false, StopsBecause: { } because }
            ? Done(session, $"is kept running until it is paused: {because}", toasts, context)
            : Done(session, "is kept for at least another day", toasts, context);

    private static async Task<IResult> ContinueAsync(
        string id, PageForm form, Caller caller, StartSession start, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var (session, _) = await start.StartAsync(caller, new StartRequest(Continue: id), ct);
        toasts.Show(context, new Toast("success", $"{session.Name} starts with the work of the earlier session."));
        return Pages.After(context, $"/sessions/{session.Id}");
    }

    private static async Task<IResult> StartElsewhereAsync(
        string id, PageForm form, Caller caller, StartSession start, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var (session, _) = await start.StartAsync(caller, new StartRequest(InsteadOf: id), ct);
        toasts.Show(context, new Toast("success", $"{session.Name} starts on another machine; the work of the earlier session stays where it is."));
        return Pages.After(context, $"/sessions/{session.Id}");
    }

    private static async Task<IResult> AskStopAsync(string id, Caller caller, SessionQueries queries, CancellationToken ct) =>
        Pages.Show<StopPage>((nameof(StopPage.Session), await queries.FindAsync(caller, id, ct)));

    private static async Task<IResult> StopAsync(
        string id, PageForm form, Caller caller, SessionCommands commands, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var deleteWork = form.Flag("delete_work");
        var session = await commands.StopAsync(caller, id, deleteWork, ct);
        toasts.Show(context, new Toast("success", $"{session.Name} is being stopped{(deleteWork ? ", and its work deleted" : "; its work is kept for a while")}."));
        return Pages.After(context, "/");
    }

    private static IResult Done(SessionView session, string what, Toasts toasts, HttpContext context)
    {
        toasts.Show(context, new Toast("success", $"{session.Name} {what}."));
        return Pages.After(context, $"/sessions/{session.Id}");
    }
}
