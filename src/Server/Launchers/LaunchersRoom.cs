using Berth.Contracts.Launchers;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Launchers;

public static class LaunchersRoom
{
    public static IServiceCollection AddLaunchers(this IServiceCollection services) => services.AddSingleton<LauncherStore>();

    public static IEndpointRouteBuilder MapLaunchers(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/data").WithTags("launchers");
        api.MapGet("/session_launchers", ListAsync).WithSummary("List the launchers of all projects that you may read");
        api.MapPost("/session_launchers", CreateAsync).WithSummary("Make a launcher");
        api.MapGet("/session_launchers/{id}", GetAsync).WithSummary("One launcher");
        api.MapPatch("/session_launchers/{id}", EditAsync).Accepts<LauncherRequest>("application/json").WithSummary("Change a launcher");
        api.MapDelete("/session_launchers/{id}", DeleteAsync).WithSummary("Delete a launcher without sessions");
        api.MapGet("/projects/{id}/session_launchers", ListOfProjectAsync).WithSummary("List the launchers of a project");
        return routes;
    }

    private static async Task<Ok<List<LauncherView>>> ListAsync(
        [AsParameters] PageRequest page, Caller caller, LauncherStore launchers, HttpContext context, CancellationToken ct) =>
        (await launchers.ListAsync(caller, null, page, ct)).Answer(context);

    private static async Task<Ok<List<LauncherView>>> ListOfProjectAsync(
        [AsParameters] PageRequest page, Caller caller, string id, LauncherStore launchers, HttpContext context, CancellationToken ct) =>
        (await launchers.ListAsync(caller, id, page, ct)).Answer(context);

    private static async Task<Created<LauncherView>> CreateAsync(Caller caller, LauncherRequest request, LauncherStore launchers, CancellationToken ct)
    {
        var launcher = await launchers.CreateAsync(caller, request, ct);
        return TypedResults.Created($"/api/data/session_launchers/{launcher.Id}", launcher);
    }

    private static async Task<Ok<LauncherView>> GetAsync(Caller caller, string id, LauncherStore launchers, CancellationToken ct) =>
        TypedResults.Ok(await launchers.FindAsync(caller, id, ct));

    private static async Task<Ok<LauncherView>> EditAsync(
        Caller caller, string id, Patch patch, LauncherStore launchers, CancellationToken ct) =>
        TypedResults.Ok(await launchers.EditAsync(caller, id, patch.Fields, ct));

    private static async Task<NoContent> DeleteAsync(Caller caller, string id, LauncherStore launchers, CancellationToken ct)
    {
        await launchers.DeleteAsync(caller, id, ct);
        return TypedResults.NoContent();
    }
}
