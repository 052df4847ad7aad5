using Berth.Contracts.Environments;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Berth.Server.Environments;

public static class EnvironmentsRoom
{
    public static IServiceCollection AddEnvironments(this IServiceCollection services) =>
        services.AddSingleton<EnvironmentStore>().AddSingleton<ShippedEnvironment>();

    public static IEndpointRouteBuilder MapEnvironments(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/data/environments").WithTags("environments");
        api.MapGet("/", ListAsync).WithSummary("List global environments");
        api.MapPost("/", CreateAsync).WithSummary("Make a global environment (admins)");
        api.MapGet("/{id}", GetAsync).WithSummary("One global environment");
        api.MapPatch("/{id}", EditAsync).Accepts<EnvironmentRequest>("application/json").WithSummary("Change a global environment (admins)");
        api.MapDelete("/{id}", DeleteAsync).WithSummary("Delete a global environment that no launcher uses (admins)");
        return routes;
    }

    private static async Task<Ok<List<EnvironmentView>>> ListAsync(
        [FromQuery(Name = "include_archived")] bool? includeArchived, EnvironmentStore environments, CancellationToken ct) =>
        TypedResults.Ok(await environments.ListAsync(includeArchived ?? false, ct));

    private static async Task<Created<EnvironmentView>> CreateAsync(
        Caller caller, EnvironmentRequest request, EnvironmentStore environments, CancellationToken ct)
    {
        var environment = await environments.CreateAsync(caller, request, ct);
        return TypedResults.Created($"/api/data/environments/{environment.Id}", environment);
    }

    private static async Task<Ok<EnvironmentView>> GetAsync(string id, EnvironmentStore environments, CancellationToken ct) =>
        TypedResults.Ok(await environments.FindAsync(id, ct));

    private static async Task<Ok<EnvironmentView>> EditAsync(string id, Patch patch, EnvironmentStore environments, CancellationToken ct) =>
        TypedResults.Ok(await environments.EditAsync(id, patch.Fields, ct));

    private static async Task<NoContent> DeleteAsync(string id, EnvironmentStore environments, CancellationToken ct)
    {
        await environments.DeleteAsync(id, ct);
        return TypedResults.NoContent();
    }
}
