using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Contracts.Json;
using Berth.Contracts.Launchers;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Launchers;
using Berth.Server.Problems;
using Berth.Server.Projects;
using Berth.Server.Sessions;
using Berth.Server.Web.Environments;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Launchers;

/// <summary>Launchers of the projects that the caller may read.</summary>
public static class LauncherPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/launchers", ListAsync);
        pages.MapGet("/launchers/new", NewAsync);
        pages.MapPost("/launchers", CreateAsync);
        pages.MapGet("/launchers/{id}", ShowAsync);
        pages.MapPost("/launchers/{id}", SaveAsync);
        pages.MapGet("/launchers/{id}/delete", AskDeleteAsync);
        pages.MapPost("/launchers/{id}/delete", DeleteAsync);
    }

    private static async Task<IResult> ListAsync(Caller caller, LauncherStore launchers, ProjectStore projects, SessionQueries sessions, CancellationToken ct) =>
        Pages.Show<LaunchersPage>(
            (nameof(LaunchersPage.Launchers), await launchers.ListAsync(caller, null, ct)),
            (nameof(LaunchersPage.Projects), await projects.ListAsync(caller, ct)),
            (nameof(LaunchersPage.Sessions), await sessions.ListAsync(caller, ct)));

    private static Task<IResult> NewAsync(string? project, Caller caller, Choices choices, CancellationToken ct) =>
        FormAsync(200, PageForm.Of(("project_id", project)), null, caller, choices, ct);

    private static async Task<IResult> CreateAsync(
        PageForm form, Caller caller, LauncherStore launchers, Choices choices, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            var launcher = await launchers.CreateAsync(caller, Read(form, form.Raw("project_id")), ct);
            toasts.Show(context, new Toast("success", $"{launcher.Name} is created."));
            return Pages.After(context, "/launchers");
        }
        catch (ProblemException problem)
        {
            return await FormAsync(problem.Code.Status(), form.Refused(problem), null, caller, choices, ct);
        }
    }

    private static async Task<IResult> ShowAsync(string id, Caller caller, LauncherStore launchers, Choices choices, CancellationToken ct)
    {
        var launcher = await launchers.FindAsync(caller, id, ct);
        return await FormAsync(200, Filled(launcher), launcher, caller, choices, ct);
    }

    private static async Task<IResult> SaveAsync(
        string id, PageForm form, Caller caller, LauncherStore launchers, Choices choices, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var before = await launchers.FindAsync(caller, id, ct);
        try
        {
            var patch = JsonSerializer.SerializeToElement(Read(form, before.ProjectId), BerthJson.Default.LauncherRequest);
            var launcher = await launchers.EditAsync(caller, id, patch, ct);
            toasts.Show(context, new Toast("success", $"{launcher.Name} is saved. Sessions that run go on as they are."));
            return Pages.After(context, "/launchers");
        }
        catch (ProblemException problem) when (problem.Code != ProblemCode.NotFound)
        {
            return await FormAsync(problem.Code.Status(), form.Refused(problem), before, caller, choices, ct);
        }
    }

    private static async Task<IResult> AskDeleteAsync(string id, Caller caller, LauncherStore launchers, CancellationToken ct)
    {
        var launcher = await launchers.FindAsync(caller, id, ct);
        return Pages.Show<DeletePage>(
            (nameof(DeletePage.Name), launcher.Name),
            (nameof(DeletePage.Href), $"/launchers/{launcher.Id}"),
            (nameof(DeletePage.Meaning), "What was started by it and has ended stays in the history. It is kept as long as a session of it has not ended."));
    }

    private static async Task<IResult> DeleteAsync(
        string id, PageForm form, Caller caller, LauncherStore launchers, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        await launchers.DeleteAsync(caller, id, ct);
        toasts.Show(context, new Toast("success", "The launcher is deleted."));
        return Pages.After(context, "/launchers");
    }

    private static async Task<IResult> FormAsync(
        int status, PageForm form, LauncherView? launcher, Caller caller, Choices choices, CancellationToken ct)
    {
        var offered = await choices.LoadAsync(caller, ct);
        return Pages.Show<LauncherPage>(
            status,
            (nameof(LauncherPage.Form), form),
            (nameof(LauncherPage.Launcher), launcher),
            (nameof(LauncherPage.Environments), offered.Environments),
            (nameof(LauncherPage.Pools), offered.Pools),
            (nameof(LauncherPage.Projects), offered.Projects),
            (nameof(LauncherPage.MayEdit), launcher is null || offered.Projects.Any(p => p.Id == launcher.ProjectId && p.Role is "owner" or "editor")));
    }

    private static PageForm Filled(LauncherView launcher)
    {
        var isCustom = launcher.Environment.EnvironmentKind == "CUSTOM";
        return PageForm.Of(
        [
            ("name", launcher.Name),
            ("description", launcher.Description),
            ("environment_id", isCustom ? "" : launcher.Environment.Id),
            .. isCustom ? EnvironmentForm.Fields(launcher.Environment, "environment.") : [],
            ("resource_class_id", launcher.ResourceClassId),
            ("disk_storage", launcher.DiskStorage),
            ("env_name", launcher.EnvVariables.Select(v => v.Name)),
            ("env_value", launcher.EnvVariables.Select(v => v.Value ?? "")),
        ]);
    }

    private static LauncherRequest Read(PageForm form, string projectId)
    {
        var environment = form.Text("environment_id") is { } id
            ? JsonSerializer.SerializeToElement(new JsonObject { ["id"] = id })
            : JsonSerializer.SerializeToElement(EnvironmentForm.Read(form, form.Raw("name"), "environment."), BerthJson.Default.EnvironmentRequest);
        return new(
            projectId,
            form.Raw("name"),
            environment,
            form.Text("description"),
            form.Int("resource_class_id"),
            form.Int("disk_storage"),
            EnvVariables: VariableRows.Read(form));
    }
}
