using Berth.Contracts.Users;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Sessions;
using Berth.Server.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Berth.Server.Users;

public static class UsersRoom
{
    public static IServiceCollection AddUsers(this IServiceCollection services) => services.AddSingleton<UserStore>().AddSingleton<UserQuotas>().AddSingleton<ResetLinks>();

    public static IEndpointRouteBuilder MapUsers(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api").WithTags("users");
        api.MapGet("/data/user", GetSelfAsync).WithSummary("The signed-in user");
        api.MapPost("/berth/password", ChangePasswordAsync).WithSummary("Change one's own password");
        api.MapGet("/data/users", ListAsync).WithSummary("List users (admins)");
        api.MapPost("/data/users", CreateAsync).WithSummary("Make a user (admins)");
        api.MapGet("/data/users/{id}", GetAsync).WithSummary("One user (admins)");
        api.MapPatch("/data/users/{id}", EditAsync).Accepts<UserRequest>("application/json").WithSummary("Change a user; a new password ends their sign-ins, and their API tokens but for keep_tokens=true (admins)");
        api.MapPost("/data/users/{id}/reset", ResetAsync).WithSummary("Take away a user's password, sign-ins and, but for keep_tokens=true, API tokens; make a link that lets them in once (admins)");
        api.MapGet("/berth/quota", GetQuotaAsync).WithSummary("What the caller's sessions may hold at once, and what they hold");
        api.MapGet("/berth/user_quota", GetDefaultQuotaAsync).WithSummary("The quota of users who have none of their own (admins)");
        api.MapPut("/berth/user_quota", SetDefaultQuotaAsync).WithSummary("Set the quota of users who have none of their own (admins)");
        return routes;
    }

    private static async Task<Ok<UserView>> GetSelfAsync(Caller caller, UserStore users, CancellationToken ct) =>
        TypedResults.Ok(await users.FindAsync(caller.UserId, ct));

    private static async Task<NoContent> ChangePasswordAsync(
        Caller caller, PasswordRequest request, HttpContext context, UserStore users, CancellationToken ct)
    {
        await users.ChangePasswordAsync(caller, request, context.Connection.RemoteIpAddress, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<List<UserView>>> ListAsync([AsParameters] PageRequest page, UserStore users, HttpContext context, CancellationToken ct) =>
        (await users.ListAsync(page, ct)).Answer(context);

    private static async Task<Created<UserView>> CreateAsync(UserRequest request, UserStore users, CancellationToken ct)
    {
        var user = await users.CreateAsync(request, ct);
        return TypedResults.Created($"/api/data/users/{user.Id}", user);
    }

    private static async Task<Ok<UserView>> GetAsync(string id, UserStore users, CancellationToken ct) => TypedResults.Ok(await users.FindAsync(id, ct));

    private static async Task<Ok<UserView>> EditAsync(
        Caller caller, string id, Patch patch, UserStore users, CancellationToken ct, [FromQuery(Name = "keep_tokens")] bool keepTokens = false) =>
        TypedResults.Ok(await users.EditAsync(caller, id, patch.Fields, keepTokens, ct));

    private static async Task<Created<SignInLink>> ResetAsync(
        string id, ResetLinks links, CancellationToken ct, [FromQuery(Name = "keep_tokens")] bool keepTokens = false) =>
        TypedResults.Created((string?)null, await links.CreateAsync(id, keepTokens, ct));

    private static async Task<Ok<QuotaUse>> GetQuotaAsync(Caller caller, Db db, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return TypedResults.Ok(await Quotas.UseAsync(connection, caller.UserId));
    }

    private static async Task<Ok<UserQuota>> GetDefaultQuotaAsync(UserQuotas quotas, CancellationToken ct) => TypedResults.Ok(await quotas.DefaultAsync(ct));

    private static async Task<Ok<UserQuota>> SetDefaultQuotaAsync(UserQuota quota, UserQuotas quotas, CancellationToken ct) =>
        TypedResults.Ok(await quotas.SetDefaultAsync(quota, ct));
}
