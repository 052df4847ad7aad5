using Berth.Contracts.Problems;
using Berth.Server.Problems;

namespace Berth.Server.Auth;

/// <summary>Lets a request through to its endpoint if the access table's row allows it. It runs behind routing and authentication.</summary>
public sealed class AccessControl(RequestDelegate next, SameOrigin sameOrigin)
{
    public Task InvokeAsync(HttpContext context)
    {
        // No endpoint, or one that only says that the method is wrong: there is nothing to protect.
        if (context.GetEndpoint() is not RouteEndpoint endpoint)
            return next(context);

        var caller = context.FindCaller();
        var row = AccessTable.Find(context.Request.Method, endpoint.RoutePattern.RawText);
        var allowed = row?.Rule switch
        {
            AccessRule.Anonymous or AccessRule.Agent or AccessRule.Node => true,
            null => false,
            _ when caller is null => SignInNeeded(context),
            _ when !row!.Scope.Admits(caller.Scope) => false,
            AccessRule.Admin => caller.IsAdmin,
            AccessRule.Local => caller.IsLocal,
            _ => true,
        };
        if (allowed is null)
            return Task.CompletedTask;
        if (allowed is false)
            throw new ProblemException(ProblemCode.Forbidden, Refusal(row, caller));
        if (!sameOrigin.Allows(context, caller))
            throw new ProblemException(ProblemCode.Forbidden, "This request comes from another site's page.");
        return next(context);
    }

    private static string Refusal(AccessRow? row, Caller? caller) => row switch
    {
        { Scope: var needed } when caller is not null && !needed.Admits(caller.Scope) =>
            $"This token has the scope '{caller.Scope.Word()}', which does not cover this: use one with the scope '{Needed(needed)}'.",
        { Rule: AccessRule.Admin } => "Only admins may do this.",
        { Rule: AccessRule.Local } => "Only who runs the server may do this, through its local socket.",
        _ => "Nobody may do this.",
    };

    private static string Needed(ScopeRule rule) => rule switch
    {
        ScopeRule.Sessions => "sessions",
        ScopeRule.Read => "read",
        _ => "all",
    };

    /// <summary>A page sends the browser to the sign-in page (null: that is the answer); everything else is refused.</summary>
    private static bool? SignInNeeded(HttpContext context)
    {
        var request = context.Request;
        if (request.Path.StartsWithSegments("/api") || !request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal))
        {
            if (request.Headers.ContainsKey("HX-Request"))
                context.Response.Headers["HX-Redirect"] = "/sign-in";
            throw new ProblemException(ProblemCode.SignInNeeded, request.Headers.Authorization.Count > 0
                ? "The token is wrong, expired or revoked: make a new one, or run `berth login`."
                : "Sign in first: open the server's address in a browser, or run `berth login`.");
        }

        var back = HttpMethods.IsGet(request.Method) ? request.Path + request.QueryString.Value : "/";
        context.Response.Redirect($"/sign-in?next={Uri.EscapeDataString(back)}");
        return null;
    }
}
