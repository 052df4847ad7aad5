using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Projects;
using Berth.Server.Auth;
using Berth.Server.Launchers;
using Berth.Server.Problems;
using Berth.Server.Projects;
using Berth.Server.Sessions;
using Berth.Server.Web.Forms;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Web.Projects;

/// <summary>Projects and their members.</summary>
public static class ProjectPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/projects", ListAsync);
        pages.MapGet("/projects/new", New);
        pages.MapPost("/projects", CreateAsync);
        pages.MapGet("/projects/{id}", ShowAsync);
        pages.MapGet("/projects/{id}/edit", EditAsync);
        pages.MapPost("/projects/{id}", SaveAsync);
        pages.MapGet("/projects/{id}/delete", AskDeleteAsync);
        pages.MapPost("/projects/{id}/delete", DeleteAsync);
        pages.MapPost("/projects/{id}/members", AddMemberAsync);
        pages.MapPost("/projects/{id}/members/delete", RemoveMemberAsync);
    }

    private static async Task<IResult> ListAsync(Caller caller, ProjectStore projects, CancellationToken ct) =>
        Pages.Show<ProjectsPage>((nameof(ProjectsPage.Projects), await projects.ListAsync(caller, ct)));

    private static RazorComponentResult<ProjectEditPage> New() => Form(200, PageForm.Empty, null);

    private static async Task<IResult> CreateAsync(
        PageForm form, Caller caller, ProjectStore projects, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            var project = await projects.CreateAsync(caller, Read(form), ct);
            toasts.Show(context, new Toast("success", $"{project.Name} is created."));
            return Pages.After(context, $"/projects/{project.Id}");
        }
        catch (ProblemException problem)
        {
            return Form(problem.Code.Status(), form.Refused(problem), null);
        }
    }

    private static Task<IResult> ShowAsync(
        string id, Caller caller, ProjectStore projects, ProjectMembers members, LauncherStore launchers, SessionQueries sessions, CancellationToken ct) =>
        ProjectAsync(200, PageForm.Empty, id, caller, projects, members, launchers, sessions, ct);

    private static async Task<IResult> ProjectAsync(
        int status, PageForm form, string id, Caller caller, ProjectStore projects, ProjectMembers members, LauncherStore launchers,
        SessionQueries sessions, CancellationToken ct)
    {
        var project = await projects.FindAsync(caller, id, ct);
        return Pages.Show<ProjectPage>(
            status,
            (nameof(ProjectPage.Form), form),
            (nameof(ProjectPage.Project), project),
            (nameof(ProjectPage.Members), await members.ListAsync(caller, project.Id, ct)),
            (nameof(ProjectPage.Launchers), await launchers.ListAsync(caller, project.Id, ct)),
            (nameof(ProjectPage.Sessions), await sessions.ListAsync(caller, ct)));
    }

    private static async Task<IResult> EditAsync(string id, Caller caller, ProjectStore projects, CancellationToken ct)
    {
        var project = await projects.FindAsync(caller, id, ct);
        return Form(200, Filled(project), project);
    }

    private static async Task<IResult> SaveAsync(
        string id, PageForm form, Caller caller, ProjectStore projects, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            var patch = JsonSerializer.SerializeToElement(Read(form), BerthJson.Default.ProjectRequest);
            var project = await projects.EditAsync(caller, id, form.Text("etag"), patch, ct);
            toasts.Show(context, new Toast("success", $"{project.Name} is saved."));
            return Pages.After(context, $"/projects/{project.Id}");
        }
        catch (ProblemException problem) when (problem.Code != ProblemCode.NotFound)
        {
            return Form(problem.Code.Status(), form.Refused(problem), await projects.FindAsync(caller, id, ct));
        }
    }

    private static async Task<IResult> AskDeleteAsync(string id, Caller caller, ProjectStore projects, CancellationToken ct)
    {
        var project = await projects.FindAsync(caller, id, ct);
        return Pages.Show<DeletePage>(
            (nameof(DeletePage.Name), project.Name),
            (nameof(DeletePage.Href), $"/projects/{project.Id}"),
            (nameof(DeletePage.Meaning), "Its launchers go with it. Its repositories are elsewhere and stay."));
    }

    private static async Task<IResult> DeleteAsync(
        string id, PageForm form, Caller caller, ProjectStore projects, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        await projects.DeleteAsync(caller, id, ct);
        toasts.Show(context, new Toast("success", "The project is deleted."));
        return Pages.After(context, "/projects");
    }

    private static async Task<IResult> AddMemberAsync(
        string id, PageForm form, Caller caller, ProjectStore projects, ProjectMembers members, LauncherStore launchers, SessionQueries sessions,
        Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            await members.SetAsync(caller, id, [new MemberRequest(form.Text("id") ?? "", form.Raw("role"))], ct);
            toasts.Show(context, new Toast("success", $"{form.Text("id")} is now {form.Raw("role")}."));
            return Pages.After(context, $"/projects/{id}");
        }
        catch (ProblemException problem) when (problem.Code != ProblemCode.NotFound)
        {
            return await ProjectAsync(problem.Code.Status(), form.Refused(problem), id, caller, projects, members, launchers, sessions, ct);
        }
    }

    private static async Task<IResult> RemoveMemberAsync(
        string id, PageForm form, Caller caller, ProjectMembers members, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            await members.RemoveAsync(caller, id, form.Raw("id"), ct);
            toasts.Show(context, new Toast("success", "The member is removed."));
        }
        catch (ProblemException problem) when (problem.Code == ProblemCode.Conflict)
        {
            toasts.Show(context, new Toast("danger", problem.Message));
        }

        return Pages.After(context, $"/projects/{id}");
    }

    private static RazorComponentResult<ProjectEditPage> Form(int status, PageForm form, ProjectView? project) =>
        Pages.Show<ProjectEditPage>(status, (nameof(ProjectEditPage.Form), form), (nameof(ProjectEditPage.Project), project));

    private static PageForm Filled(ProjectView project) => PageForm.Of(
        ("etag", project.Etag),
        ("name", project.Name),
        ("description", project.Description),
        ("visibility", project.Visibility),
        ("repositories", string.Join('\n', project.Repositories)),
        ("keywords", string.Join(", ", project.Keywords)));

    private static ProjectRequest Read(PageForm form) => new(
        form.Raw("name"),
        Slug: form.Text("slug"),
        Repositories: form.Lines("repositories"),
        Visibility: form.Text("visibility"),
        Description: form.Text("description"),
        Keywords: form.Raw("keywords").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
