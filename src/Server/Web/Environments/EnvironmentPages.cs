using System.Text.Json;
using Berth.Contracts.Environments;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Environments;
using Berth.Server.Problems;
using Berth.Server.Web.Forms;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Web.Environments;

/// <summary>Environments of all: everybody sees them, admins keep them.</summary>
public static class EnvironmentPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/environments", ListAsync);
        pages.MapGet("/environments/new", New);
        pages.MapPost("/environments", CreateAsync);
        pages.MapGet("/environments/{id}", ShowAsync);
        pages.MapPost("/environments/{id}", SaveAsync);
        pages.MapGet("/environments/{id}/delete", AskDeleteAsync);
        pages.MapPost("/environments/{id}/delete", DeleteAsync);
    }

    private static async Task<IResult> ListAsync(string? archived, Caller caller, EnvironmentStore environments, CancellationToken ct) =>
        Pages.Show<EnvironmentsPage>(
            (nameof(EnvironmentsPage.Environments), await environments.ListAsync(archived is not null, ct)),
            (nameof(EnvironmentsPage.Caller), caller),
            (nameof(EnvironmentsPage.WithArchived), archived is not null));

    private static RazorComponentResult<EnvironmentPage> New(Caller caller) => Form(200, PageForm.Empty, null, caller);

    private static async Task<IResult> CreateAsync(
        PageForm form, Caller caller, EnvironmentStore environments, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            var environment = await environments.CreateAsync(caller, EnvironmentForm.Read(form, form.Raw("name")), ct);
            toasts.Show(context, new Toast("success", $"{environment.Name} is there for everybody."));
            return Pages.After(context, "/environments");
        }
        catch (ProblemException problem)
        {
            return Form(problem.Code.Status(), form.Refused(problem), null, caller);
        }
    }

    private static async Task<IResult> ShowAsync(string id, Caller caller, EnvironmentStore environments, CancellationToken ct)
    {
        var environment = await environments.FindAsync(id, ct);
        var form = PageForm.Of([("name", environment.Name), ("description", environment.Description), .. EnvironmentForm.Fields(environment)]);
        return Form(200, form, environment, caller);
    }

    private static async Task<IResult> SaveAsync(
        string id, PageForm form, Caller caller, EnvironmentStore environments, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            var patch = JsonSerializer.SerializeToElement(EnvironmentForm.Read(form, form.Raw("name")), BerthJson.Default.EnvironmentRequest);
            var environment = await environments.EditAsync(id, patch, ct);
            toasts.Show(context, new Toast("success", $"{environment.Name} is saved. Sessions that run go on as they are."));
            return Pages.After(context, "/environments");
        }
        catch (ProblemException problem) when (problem.Code != ProblemCode.NotFound)
        {
            return Form(problem.Code.Status(), form.Refused(problem), await environments.FindAsync(id, ct), caller);
        }
    }

    private static async Task<IResult> AskDeleteAsync(string id, EnvironmentStore environments, CancellationToken ct)
    {
        var environment = await environments.FindAsync(id, ct);
        return Pages.Show<DeletePage>(
            (nameof(DeletePage.Name), environment.Name),
            (nameof(DeletePage.Href), $"/environments/{environment.Id}"),
            (nameof(DeletePage.Meaning), "Its image stays where it is, and sessions that run go on. To only take it from the lists, archive it."));
    }

    private static async Task<IResult> DeleteAsync(
        string id, PageForm form, EnvironmentStore environments, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        await environments.DeleteAsync(id, ct);
        toasts.Show(context, new Toast("success", "The environment is deleted."));
        return Pages.After(context, "/environments");
    }

    private static RazorComponentResult<EnvironmentPage> Form(int status, PageForm form, EnvironmentView? environment, Caller caller) =>
        Pages.Show<EnvironmentPage>(
            status,
            (nameof(EnvironmentPage.Form), form),
            (nameof(EnvironmentPage.Environment), environment),
            (nameof(EnvironmentPage.MayEdit), caller.IsAdmin));
}
