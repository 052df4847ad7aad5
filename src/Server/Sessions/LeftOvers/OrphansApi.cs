using Berth.Contracts.Sessions;
using Berth.Server.Auth;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Sessions.LeftOvers;

/// <summary>The API of workspaces that belong to no session.</summary>
public static class OrphansApi
{
    public static IEndpointRouteBuilder MapOrphans(this IEndpointRouteBuilder routes)
    {
        var orphans = routes.MapGroup("/api/berth/workspaces/orphans").WithTags("workspaces (admins)");
        orphans.MapGet("/", ListAsync).WithSummary("Workspaces that belong to no session; sizes=true measures them, which may take minutes (admins)");
        orphans.MapPost("/{id}/adopt", AdoptAsync).WithSummary("Give one to a user, as the work of a session that has ended (admins)");
        orphans.MapDelete("/{id}", DeleteAsync).WithSummary("Delete one (admins)");
        return routes;
    }

    private static async Task<Ok<OrphanList>> ListAsync(Orphans orphans, CancellationToken ct, bool sizes = false) =>
        TypedResults.Ok(await orphans.ListAsync(sizes, ct));

    private static async Task<Ok<AdminSessionView>> AdoptAsync(string id, AdoptRequest? request, Caller caller, Orphans orphans, CancellationToken ct) =>
        TypedResults.Ok(AdminSessions.View(await orphans.AdoptAsync(caller, id, request ?? new AdoptRequest(), ct)));

    private static async Task<NoContent> DeleteAsync(string id, Caller caller, Orphans orphans, CancellationToken ct)
    {
        await orphans.DeleteAsync(caller, id, ct);
        return TypedResults.NoContent();
    }
}
