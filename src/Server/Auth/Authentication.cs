using System.Data.Common;
using System.Security.Claims;
using Berth.Server.Storage;

namespace Berth.Server.Auth;

/// <summary>Finds out who makes a request, and says so to what comes after it.</summary>
public sealed class Authentication(RequestDelegate next, Callers callers)
{
    public async Task InvokeAsync(HttpContext context)
    {
        // An agent or a node is no user, and its token no user's token that could be wrong.
        if (RuleOf(context) is not (AccessRule.Agent or AccessRule.Node) && await FindAsync(context) is { } caller)
        {
            context.SetCaller(caller);
            // Antiforgery tokens are bound to who is signed in.
            context.User = new ClaimsPrincipal(new ClaimsIdentity(
                [new Claim(ClaimTypes.NameIdentifier, caller.UserId), new Claim(ClaimTypes.Name, caller.Username)], "Berth"));
        }

        await next(context);
    }

    private async Task<Caller?> FindAsync(HttpContext context)
    {
        try
        {
            return await callers.FindAsync(context);
        }
        catch (DbException e) when (e.Trouble() is not null && RuleOf(context) == AccessRule.Anonymous)
        {
            // The health has to be told while the database is away.
            return null;
        }
    }

    private static AccessRule? RuleOf(HttpContext context) =>
        context.GetEndpoint() is RouteEndpoint endpoint ? AccessTable.Find(context.Request.Method, endpoint.RoutePattern.RawText)?.Rule : null;
}
