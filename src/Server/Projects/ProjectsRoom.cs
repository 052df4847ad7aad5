using Berth.Contracts.Projects;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Berth.Server.Projects;

public static class ProjectsRoom
{
    public static IServiceCollection AddProjects(this IServiceCollection services) =>
        services.AddSingleton<ProjectNews>().AddSingleton<ProjectStore>().AddSingleton<ProjectMembers>();

    public static IEndpointRouteBuilder MapProjects(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/data").WithTags("projects");
        api.MapGet("/projects", ListAsync).WithSummary("List the projects that you may read");
        api.MapPost("/projects", CreateAsync).WithSummary("Make a project");
        api.MapGet("/projects/{id}", GetAsync).WithSummary("One project");
        api.MapGet("/namespaces/{name}/projects/{slug}", GetBySlugAsync).WithSummary("One project, by its path");
        api.MapPatch("/projects/{id}", EditAsync).Accepts<ProjectRequest>("application/json").WithSummary("Change a project; needs If-Match");
        api.MapDelete("/projects/{id}", DeleteAsync).WithSummary("Delete a project and its launchers");
        api.MapGet("/projects/{id}/members", ListMembersAsync).WithSummary("List the members of a project");
        api.MapPatch("/projects/{id}/members", SetMembersAsync).WithSummary("Add members or change their roles");
        api.MapDelete("/projects/{id}/members/{user}", RemoveMemberAsync).WithSummary("Remove a member");
        return routes;
    }

    private static async Task<Ok<List<ProjectView>>> ListAsync(
        [AsParameters] PageRequest page, Caller caller, ProjectStore projects, HttpContext context, CancellationToken ct) =>
        (await projects.ListAsync(caller, page, ct)).Answer(context);

    private static async Task<Created<ProjectView>> CreateAsync(
        Caller caller, ProjectRequest request, HttpContext context, ProjectStore projects, CancellationToken ct)
    {
        var project = WithEtag(await projects.CreateAsync(caller, request, ct), context);
        return TypedResults.Created($"/api/data/projects/{project.Id}", project);
    }

    private static async Task<Ok<ProjectView>> GetAsync(Caller caller, string id, HttpContext context, ProjectStore projects, CancellationToken ct) =>
        TypedResults.Ok(WithEtag(await projects.FindAsync(caller, id, ct), context));

    private static async Task<Ok<ProjectView>> GetBySlugAsync(
        Caller caller, string name, string slug, HttpContext context, ProjectStore projects, CancellationToken ct) =>
        TypedResults.Ok(WithEtag(await projects.FindBySlugAsync(caller, name, slug, ct), context));

    private static async Task<Ok<ProjectView>> EditAsync(
        Caller caller, string id, [FromHeader(Name = "If-Match")] string? ifMatch, Patch patch, HttpContext context,
        ProjectStore projects, CancellationToken ct) =>
        TypedResults.Ok(WithEtag(await projects.EditAsync(caller, id, ifMatch, patch.Fields, ct), context));

    private static async Task<NoContent> DeleteAsync(Caller caller, string id, ProjectStore projects, CancellationToken ct)
    {
        await projects.DeleteAsync(caller, id, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<List<MemberView>>> ListMembersAsync(Caller caller, string id, ProjectMembers members, CancellationToken ct) =>
        TypedResults.Ok(await members.ListAsync(caller, id, ct));

    private static async Task<Ok<List<MemberView>>> SetMembersAsync(
        Caller caller, string id, List<MemberRequest> changes, ProjectMembers members, CancellationToken ct) =>
        TypedResults.Ok(await members.SetAsync(caller, id, changes, ct));

    private static async Task<NoContent> RemoveMemberAsync(Caller caller, string id, string user, ProjectMembers members, CancellationToken ct)
    {
        await members.RemoveAsync(caller, id, user, ct);
        return TypedResults.NoContent();
    }

    private static ProjectView WithEtag(ProjectView project, HttpContext context)
    {
        context.Response.Headers.ETag = Etags.Quote(project.Etag);
        return project;
    }
}
