using System.Security.Claims;

namespace Berth.Server.Auth;

/// <summary>Finds out who makes a request, and says so to what comes after it.</summary>
public sealed class Authentication(RequestDelegate next, Callers callers)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (await callers.FindAsync(context) is { } caller)
        {
            context.SetCaller(caller);
            // Antiforgery tokens are bound to who is signed in.
            context.User = new ClaimsPrincipal(new ClaimsIdentity(
                [new Claim(ClaimTypes.NameIdentifier, caller.UserId), new Claim(ClaimTypes.Name, caller.Username)], "Berth"));
        }

        await next(context);
    }
}
