using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Contracts.Pools;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Berth.Server.Pools;

public static class PoolsRoom
{
    public static IServiceCollection AddPools(this IServiceCollection services) =>
        services.AddSingleton<PoolStore>().AddSingleton<ClassStore>().AddSingleton<PoolUsers>().AddSingleton<DefaultPool>();

    public static IEndpointRouteBuilder MapPools(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/data").WithTags("pools");
        api.MapGet("/resource_pools", ListAsync).WithSummary("List the pools that you may use; sizes mark the classes that match");
        api.MapPost("/resource_pools", CreateAsync).WithSummary("Make a pool (admins)");
        api.MapGet("/resource_pools/{id:int}", GetAsync).WithSummary("One pool");
        api.MapPut("/resource_pools/{id:int}", ReplaceAsync).WithSummary("Replace a pool and its classes (admins)");
        api.MapPatch("/resource_pools/{id:int}", EditAsync).Accepts<PoolRequest>("application/json").WithSummary("Change a pool; classes are known by their id (admins)");
        api.MapDelete("/resource_pools/{id:int}", DeleteAsync).WithSummary("Delete a pool without sessions (admins)");
        api.MapGet("/resource_pools/{id:int}/quota", GetQuotaAsync).WithSummary("The quota of a pool");
        api.MapPut("/resource_pools/{id:int}/quota", SetQuotaAsync).WithSummary("Set the quota of a pool (admins)");
        api.MapPatch("/resource_pools/{id:int}/quota", EditQuotaAsync).Accepts<Quota>("application/json").WithSummary("Change the quota of a pool (admins)");
        api.MapGet("/resource_pools/{id:int}/classes", ListClassesAsync).WithSummary("List the classes of a pool");
        api.MapPost("/resource_pools/{id:int}/classes", AddClassAsync).WithSummary("Add a class to a pool (admins)");
        api.MapGet("/resource_pools/{id:int}/classes/{cid:int}", GetClassOfPoolAsync).WithSummary("One class of a pool");
        api.MapPut("/resource_pools/{id:int}/classes/{cid:int}", ReplaceClassAsync).WithSummary("Replace a class (admins)");
        api.MapPatch("/resource_pools/{id:int}/classes/{cid:int}", EditClassAsync).Accepts<ClassRequest>("application/json").WithSummary("Change a class (admins)");
        api.MapDelete("/resource_pools/{id:int}/classes/{cid:int}", DeleteClassAsync).WithSummary("Delete a class without sessions (admins)");
        api.MapGet("/classes/{id:int}", GetClassAsync).WithSummary("One class, of whichever pool");

        // Renku has both names for the same thing.
        foreach (var name in (string[])["users", "members"])
        {
            api.MapGet($"/resource_pools/{{id:int}}/{name}", ListUsersAsync).WithSummary("List who may use a pool (admins)");
            api.MapPost($"/resource_pools/{{id:int}}/{name}", AddUsersAsync).WithSummary("Let users use a pool (admins)");
            api.MapPut($"/resource_pools/{{id:int}}/{name}", ReplaceUsersAsync).WithSummary("Let these users use a pool, and no others (admins)");
            api.MapGet($"/resource_pools/{{id:int}}/{name}/{{user}}", GetUserAsync).WithSummary("One of those who may use a pool (admins)");
            api.MapDelete($"/resource_pools/{{id:int}}/{name}/{{user}}", RemoveUserAsync).WithSummary("Let a user use a pool no more (admins)");
        }

        return routes;
    }

    private static async Task<Ok<List<PoolView>>> ListAsync(
        Caller caller, double? cpu, int? gpu, double? memory, [FromQuery(Name = "max_storage")] int? maxStorage, PoolStore pools, CancellationToken ct) =>
        TypedResults.Ok(await pools.ListAsync(caller, ClassFilter.Of(cpu, gpu, memory, maxStorage), ct));

    private static async Task<Created<PoolView>> CreateAsync(Caller caller, PoolRequest request, PoolStore pools, CancellationToken ct)
    {
        var pool = await pools.CreateAsync(caller, request, ct);
        return TypedResults.Created($"/api/data/resource_pools/{pool.Id}", pool);
    }

    private static async Task<Ok<PoolView>> GetAsync(Caller caller, int id, PoolStore pools, CancellationToken ct) =>
        TypedResults.Ok(await pools.FindAsync(caller, id, ct));

    private static async Task<Ok<PoolView>> ReplaceAsync(Caller caller, int id, PoolRequest request, PoolStore pools, CancellationToken ct) =>
        TypedResults.Ok(await pools.ReplaceAsync(caller, id, request, ct));

    private static async Task<Ok<PoolView>> EditAsync(Caller caller, int id, Patch patch, PoolStore pools, CancellationToken ct) =>
        TypedResults.Ok(await pools.EditAsync(caller, id, patch.Fields, ct));

    private static async Task<NoContent> DeleteAsync(int id, PoolStore pools, CancellationToken ct)
    {
        await pools.DeleteAsync(id, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Quota>> GetQuotaAsync(Caller caller, int id, PoolStore pools, CancellationToken ct) =>
        TypedResults.Ok((await pools.FindAsync(caller, id, ct)).Quota
            ?? throw new ProblemException(Contracts.Problems.ProblemCode.NotFound, $"Resource pool {id} has no quota."));

    private static Task<Ok<Quota>> SetQuotaAsync(Caller caller, int id, Quota quota, PoolStore pools, CancellationToken ct) =>
        EditQuotaAsync(caller, id, new Patch(JsonSerializer.SerializeToElement(quota, JsonOfApi.Options)), pools, ct);

    private static async Task<Ok<Quota>> EditQuotaAsync(Caller caller, int id, Patch patch, PoolStore pools, CancellationToken ct)
    {
        var whole = MergePatch.ToElement(new JsonObject { ["quota"] = JsonNode.Parse(patch.Fields.GetRawText()) });
        return TypedResults.Ok((await pools.EditAsync(caller, id, whole, ct)).Quota!);
    }

    private static async Task<Ok<IReadOnlyList<ClassView>>> ListClassesAsync(Caller caller, int id, PoolStore pools, CancellationToken ct) =>
        TypedResults.Ok((await pools.FindAsync(caller, id, ct)).Classes);

    private static async Task<Created<ClassView>> AddClassAsync(Caller caller, int id, ClassRequest request, ClassStore classes, CancellationToken ct)
    {
        var one = await classes.AddAsync(caller, id, request, ct);
        return TypedResults.Created($"/api/data/resource_pools/{id}/classes/{one.Id}", one);
    }

    private static async Task<Ok<ClassView>> GetClassOfPoolAsync(Caller caller, int id, int cid, PoolStore pools, CancellationToken ct) =>
        TypedResults.Ok(await pools.FindClassAsync(caller, cid, id, ct));

    private static async Task<Ok<ClassView>> GetClassAsync(Caller caller, int id, PoolStore pools, CancellationToken ct) =>
        TypedResults.Ok(await pools.FindClassAsync(caller, id, null, ct));

    private static async Task<Ok<ClassView>> ReplaceClassAsync(Caller caller, int id, int cid, ClassRequest request, ClassStore classes, CancellationToken ct) =>
        TypedResults.Ok(await classes.ReplaceAsync(caller, id, cid, request, ct));

    private static async Task<Ok<ClassView>> EditClassAsync(
        Caller caller, int id, int cid, Patch patch, ClassStore classes, CancellationToken ct) =>
        TypedResults.Ok(await classes.EditAsync(caller, id, cid, patch.Fields, ct));

    private static async Task<NoContent> DeleteClassAsync(int id, int cid, ClassStore classes, CancellationToken ct)
    {
        await classes.DeleteAsync(id, cid, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<List<PoolUser>>> ListUsersAsync(int id, PoolUsers users, CancellationToken ct) => TypedResults.Ok(await users.ListAsync(id, ct));

    private static async Task<Created<List<PoolUser>>> AddUsersAsync(int id, List<PoolUser> added, PoolUsers users, CancellationToken ct) =>
        TypedResults.Created((string?)null, await users.SetAsync(id, added, replace: false, ct));

    private static async Task<Ok<List<PoolUser>>> ReplaceUsersAsync(int id, List<PoolUser> all, PoolUsers users, CancellationToken ct) =>
        TypedResults.Ok(await users.SetAsync(id, all, replace: true, ct));

    private static async Task<Ok<PoolUser>> GetUserAsync(int id, string user, PoolUsers users, CancellationToken ct) =>
        TypedResults.Ok(await users.FindAsync(id, user, ct));

    private static async Task<NoContent> RemoveUserAsync(int id, string user, PoolUsers users, CancellationToken ct)
    {
        await users.RemoveAsync(id, user, ct);
        return TypedResults.NoContent();
    }
}
