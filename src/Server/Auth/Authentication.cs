using System.Security.Claims;

namespace Berth.Server.Auth;

/// <summary>Finds out who makes a request: by the local socket, an API token or a browser's cookie, in this order.</summary>
public sealed class Authentication(RequestDelegate next, LocalOwner owner, ApiTokens tokens, SignIns signIns)
{
    private const string Bearer = "Bearer ";

    public async Task InvokeAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } caller)
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
        var ct = context.RequestAborted;
        // A header names a caller of its own choice: then it counts, and nothing else.
        if (context.Request.Headers.Authorization.ToString() is { Length: > 0 } header)
            return header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? await tokens.FindAsync(header[Bearer.Length..].Trim(), ct) : null;
        if (context.Features.Get<LocalPeer>() is not null)
            return await owner.CallerAsync(ct);
        return await signIns.FindAsync(context, ct);
    }
}
