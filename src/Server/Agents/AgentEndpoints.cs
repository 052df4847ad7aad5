using Berth.Contracts.Agents;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Connections;

namespace Berth.Server.Agents;

/// <summary>
/// What is served to agents: <see cref="AgentRoutes"/>. On a session's own socket nothing else is, and who comes through it
/// speaks for no other session; over the network the token stands alone, and only for sessions on other machines.
/// </summary>
internal static class AgentEndpoints
{
    public static Task HandleAsync(HttpContext context)
    {
        return context.Request.Path.Value switch
        {
            AgentRoutes.Control => ControlAsync(context),
            AgentRoutes.Stream => StreamAsync(context),
            _ => Answer(context, StatusCodes.Status404NotFound),
        };
    }

    private static async Task ControlAsync(HttpContext context)
    {
        if (Admit(context) is not { } agent)
            return;
        // On a socket of this machine the kernel tells of a dead peer: no pings.
        using var socket = await (agent.ByNetwork ? context.AcceptOverNetworkAsync() : context.WebSockets.AcceptWebSocketAsync());
        await agent.Hub.ServeControlAsync(agent.Key, agent.Connection, socket, agent.ByNetwork, context.RequestAborted);
    }

    private static async Task StreamAsync(HttpContext context)
    {
        if (Admit(context) is not { } agent)
            return;
        if (!await agent.Hub.ServeStreamAsync(agent.Key, agent.Connection, agent.ByNetwork ? context.AcceptStreamOverNetworkAsync : context.WebSockets.AcceptWebSocketAsync))
            await Answer(context, StatusCodes.Status409Conflict);
    }

    /// <returns>Null after it has answered with a refusal.</returns>
    private static Agent? Admit(HttpContext context)
    {
        var hub = context.RequestServices.GetRequiredService<AgentHub>();
        var tokens = context.RequestServices.GetRequiredService<AgentTokens>();
        var name = context.Request.Headers[AgentRoutes.ConnectionHeader].ToString();
        if (!tokens.TryRead(context.Request.BearerToken(), out var key) || !MayComeThisWay(context, key.Value.SessionId))
            return Refuse(context, StatusCodes.Status401Unauthorized);
        if (!context.WebSockets.IsWebSocketRequest || name.Length is 0 or > 64)
            return Refuse(context, StatusCodes.Status400BadRequest);
        if (!hub.Expects(key.Value))
            return Refuse(context, StatusCodes.Status409Conflict);

        context.LiftDataRates();
        return new Agent(hub, key.Value, name, context.Features.Get<AgentConnection>() is null);
    }

    private static bool MayComeThisWay(HttpContext context, string sessionId) =>
        context.Features.Get<AgentConnection>() is { } connection
            ? string.Equals(sessionId, connection.SessionId, StringComparison.OrdinalIgnoreCase)
            : context.RequestServices.GetRequiredService<AgentWays>().ComeByNetwork(sessionId);

    private static Agent? Refuse(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return null;
    }

    private static Task Answer(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private sealed record Agent(AgentHub Hub, SessionKey Key, string Connection, bool ByNetwork);
}
