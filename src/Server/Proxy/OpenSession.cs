using Berth.Core.Ids;
using Berth.Server.Sessions;

namespace Berth.Server.Proxy;

/// <summary>
/// <c>GET /sessions/{id}/open</c> on the server's own origin: the link to a session, with <c>?port=</c> to a further port of
/// it, and the gate's second step.
/// </summary>
public static class OpenSession
{
    /// <summary>Maps it.</summary>
    public static void MapOpenSession(this IEndpointRouteBuilder routes) => routes.MapGet("/sessions/{id}/open", Open).ExcludeFromDescription();

    private static async Task Open(
        string id, string? challenge, string? to, string? port, HttpContext context, SessionDirectory directory, Neighbours neighbours,
        Origins origins, Tickets tickets, SessionPages pages)
    {
        Gate.NeverKeep(context.Response);
        var sessionId = id.ToUpperInvariant();

        // 1. Somebody is signed in, or comes back when they are.
        if (neighbours.SignedIn(context) is not { } visitor)
        {
            var self = context.Request.Path.ToUriComponent() + context.Request.QueryString.ToUriComponent();
            context.Response.Redirect($"/sign-in?next={Uri.EscapeDataString(self)}");
            return;
        }

        // 2. The session is theirs. One that is over has no origin any more; its page tells the rest.
        if (!Ulid.IsValid(sessionId) || !directory.TryGet(sessionId, out var route) || route.OwnerId != visitor.UserId)
        {
            if (Ulid.IsValid(sessionId) && await neighbours.FindSession(visitor, sessionId, context.RequestAborted) is not null)
                context.Response.Redirect($"/sessions/{sessionId}");
            else
                await pages.NoticeAsync(context, StatusCodes.Status404NotFound, Notice.NoSession(origins.Public));
            return;
        }

        var ported = 0;
        if ((to is not null && !LocalPath.IsValid(to)) || (challenge is not null && !Tickets.IsSecret(challenge))
            || (port is not null && !SessionOrigin.TryReadPort(port, out ported)))
        {
            await pages.NoticeAsync(context, StatusCodes.Status400BadRequest, Notice.BadLink);
            return;
        }

        // 3. Without a challenge: to the session's origin, which makes one if it does not know the browser yet.
        var origin = new SessionOrigin(sessionId, ported == 0 || (ported == route.Port && challenge is null) ? null : ported);
        to ??= origin.Port is null && LocalPath.IsValid(route.DefaultUrl) ? route.DefaultUrl : "/";
        if (challenge is null)
        {
            context.Response.Redirect(origins.Of(origin) + to);
            return;
        }

        // 4. With one: a ticket for it.
        var ticket = tickets.Issue(origin, challenge, visitor);
        context.Response.Redirect($"{origins.Of(origin)}{Gate.EnterPath}?ticket={ticket}&to={Uri.EscapeDataString(to)}");
    }
}
