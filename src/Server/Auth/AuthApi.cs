using Berth.Contracts.Users;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Auth;

public static class AuthApi
{
    public static IEndpointRouteBuilder MapAuth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/sign-in/link", UseLinkAsync).ExcludeFromDescription();
        routes.MapPost("/sign-in", SignInAsync).ExcludeFromDescription().DisableAntiforgery();
        routes.MapPost("/sign-out", SignOutAsync).ExcludeFromDescription();

        var api = routes.MapGroup("/api/berth").WithTags("sign-in");
        api.MapPost("/sign_in_links", CreateLinkAsync).WithSummary("Make a link that signs a browser in once, as the caller");
        api.MapGet("/sign_ins", ListSignInsAsync).WithSummary("List the caller's browsers that are signed in");
        api.MapDelete("/sign_ins", EndSignInsAsync).WithSummary("Sign the caller out everywhere");
        api.MapDelete("/sign_ins/{id}", EndSignInAsync).WithSummary("Sign one of the caller's browsers out");
        api.MapGet("/tokens", ListTokensAsync).WithSummary("List the caller's API tokens");
        api.MapPost("/tokens", CreateTokenAsync).WithSummary("Make an API token; its secret is shown this once");
        api.MapDelete("/tokens/{id}", RevokeTokenAsync).WithSummary("Revoke an API token");
        return routes;
    }

    private static async Task<RedirectHttpResult> UseLinkAsync(
        string? code, string? next, HttpContext context, SignInLinks links, SignIns signIns, CancellationToken ct)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (code is not { Length: > 0 and < 100 } || await links.ConsumeAsync(code, ct) is not { } userId)
            return TypedResults.Redirect(context.FindCaller() is null ? "/sign-in?problem=link" : LocalPath(next));
        // Nobody is made to act as somebody else by following a link.
        if (context.FindCaller() is { } already && already.UserId != userId)
            return TypedResults.Redirect("/sign-in?problem=other");
        await signIns.CreateAsync(context, userId, ct);
        return SeeOther(context, LocalPath(next));
    }

    private static async Task<RedirectHttpResult> SignInAsync(
        HttpContext context, IAntiforgery antiforgery, Passwords passwords, SignIns signIns, KnownBrowsers browsers, CancellationToken ct)
    {
        if (!context.Request.HasFormContentType)
            throw Check.Invalid("body", "must be a form with username and password");
        var form = await context.Request.ReadFormAsync(ct);
        var next = LocalPath(form["next"]);
        if (!await antiforgery.IsRequestValidAsync(context))
            return SeeOther(context, $"/sign-in?problem=form&next={Uri.EscapeDataString(next)}");
        var username = form["username"].ToString().Trim().ToLowerInvariant();
        var place = new SignInPlace(context.Connection.RemoteIpAddress, browsers.Find(context, username));
        try
        {
            if (await passwords.FindAsync(place, username, form["password"].ToString(), ct) is not { } userId)
                return SeeOther(context, $"/sign-in?problem=password&next={Uri.EscapeDataString(next)}");
            await signIns.CreateAsync(context, userId, ct);
            browsers.Mark(context, username);
            return SeeOther(context, next);
        }
        catch (ProblemException e) when (e.Code == Contracts.Problems.ProblemCode.TooManyRequests)
        {
            return SeeOther(context, $"/sign-in?problem=wait&next={Uri.EscapeDataString(next)}");
        }
    }

    private static async Task<RedirectHttpResult> SignOutAsync(HttpContext context, Caller caller, SignIns signIns, CancellationToken ct)
    {
        await signIns.EndAsync(context, caller, ct);
        return SeeOther(context, "/sign-in");
    }

    private static async Task<Created<SignInLink>> CreateLinkAsync(Caller caller, SignInLinks links, CancellationToken ct) =>
        TypedResults.Created((string?)null, await links.CreateAsync(caller.UserId, ct));

    private static async Task<Ok<List<TokenView>>> ListTokensAsync(
        [AsParameters] PageRequest page, Caller caller, ApiTokens tokens, HttpContext context, CancellationToken ct) =>
        (await tokens.ListAsync(caller, page, ct)).Answer(context);

    private static async Task<Created<TokenCreated>> CreateTokenAsync(Caller caller, TokenRequest request, ApiTokens tokens, CancellationToken ct) =>
        TypedResults.Created((string?)null, await tokens.CreateAsync(caller, request, ct));

    private static async Task<Ok<List<SignInView>>> ListSignInsAsync(Caller caller, SignIns signIns, CancellationToken ct) =>
        TypedResults.Ok(await signIns.ListAsync(caller, ct));

    private static Task<NoContent> EndSignInsAsync(Caller caller, SignIns signIns, CancellationToken ct) => EndSignInAsync(caller, null, signIns, ct);

    private static async Task<NoContent> EndSignInAsync(Caller caller, string? id, SignIns signIns, CancellationToken ct)
    {
        await signIns.EndAsync(caller, id, ct);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> RevokeTokenAsync(Caller caller, string id, ApiTokens tokens, CancellationToken ct)
    {
        await tokens.RevokeAsync(caller, id, ct);
        return TypedResults.NoContent();
    }

    /// <summary>A path of this server, or its front page: never another site's.</summary>
    public static string LocalPath(string? path) =>
        path is { Length: > 0 and < 2000 } && path[0] == '/' && (path.Length == 1 || path[1] is not ('/' or '\\')) && !path.Any(char.IsControl)
            ? path
            : "/";

    /// <summary>303: the browser asks for the other page by GET, whatever it sent here.</summary>
    private static RedirectHttpResult SeeOther(HttpContext context, string path)
    {
        context.Response.OnStarting(() =>
        {
            context.Response.StatusCode = StatusCodes.Status303SeeOther;
            return Task.CompletedTask;
        });
        return TypedResults.Redirect(path);
    }
}
