using Microsoft.AspNetCore.WebUtilities;

namespace Berth.Server.Proxy;

/// <summary>
/// The gate of a session's origin. It holds no sign-in of its own: it sends the visitor to the server's origin and takes a
/// one-time ticket back.
/// </summary>
/// <remarks>
/// 1. A navigation without a pass: a nonce cookie here, and a redirect to the server with the nonce's hash (the challenge).
/// 2. The server knows who is signed in (<see cref="OpenSession"/>): a ticket for challenge, origin and sign-in.
/// 3. Back here: ticket and nonce agree → the pass, a cookie of this origin, and on to where the visitor wanted to go.
/// A ticket that leaks is worth nothing without the nonce, which never leaves the browser and this origin.
/// </remarks>
public sealed class Gate(
    GateCookies cookies, Tickets tickets, Origins origins, LiveConnections live, Neighbours neighbours, SessionPages pages, ILogger<Gate> log)
{
    /// <summary>The one path that a visitor without a pass may ask for.</summary>
    public const string EnterPath = "/_berth/enter";

    /// <summary>
    /// The visitor's pass for this origin, if they have one and a sign-in that is still good; the token is cancelled when either ends.
    /// </summary>
    public async ValueTask<(Pass? Pass, CancellationToken Cut)> FindPassAsync(HttpContext context, SessionOrigin origin)
    {
        if (!cookies.TryRead(context.Request, origin, out var pass))
            return default;
        var cut = live.Token(origin.SessionId, pass.Visitor.SignInId);
        return await neighbours.IsSignedIn(pass.Visitor.SignInId, context.RequestAborted) ? (pass, cut) : default;
    }

    /// <summary>Step 1.</summary>
    public Task ChallengeAsync(HttpContext context, SessionOrigin origin)
    {
        NeverKeep(context.Response);
        if (!HttpMethods.IsGet(context.Request.Method) || !Navigation.WantsPage(context.Request))
            return Answers.TextAsync(context, StatusCodes.Status401Unauthorized, $"Sign in first: open {origins.Of(origin)}/ in a browser.");

        var challenge = Tickets.Challenge(cookies.EnsureNonce(context, origin));
        context.Response.Redirect(QueryHelpers.AddQueryString(
            origins.LinkTo(origin), new Dictionary<string, string?> { ["challenge"] = challenge, ["to"] = Navigation.Target(context) }));
        return Task.CompletedTask;
    }

    /// <summary>Step 3.</summary>
    public async Task EnterAsync(HttpContext context, SessionOrigin origin)
    {
        NeverKeep(context.Response);
        var to = context.Request.Query["to"].ToString();
        if (!LocalPath.IsValid(to))
        {
            await pages.NoticeAsync(context, StatusCodes.Status400BadRequest, Notice.BadLink);
            return;
        }

        if (cookies.ReadNonce(context.Request, origin) is { } nonce
            && tickets.Redeem(context.Request.Query["ticket"].ToString(), origin, nonce) is { } visitor)
            cookies.Write(context.Response, origin, visitor);
        else if ((await FindPassAsync(context, origin)).Pass is null)
        {
            log.LogInformation("Refused a ticket for session {Session}: spent, too old, or of another browser.", origin.Key);
            await pages.NoticeAsync(context, StatusCodes.Status403Forbidden, Notice.SpentTicket(origins.LinkTo(origin)));
            return;
        }

        // Two tabs that came in at once: the first took the nonce with it, and the second has its pass.
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = to;
    }

    /// <summary>No trace: neither in a Referer nor in a cache.</summary>
    public static void NeverKeep(HttpResponse response)
    {
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.CacheControl = "no-store";
    }
}
