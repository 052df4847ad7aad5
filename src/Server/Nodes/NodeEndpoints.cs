using Berth.Contracts.Agents;
using Berth.Contracts.Nodes;
using Berth.Server.Auth;
using Berth.Server.Connections;

namespace Berth.Server.Nodes;

/// <summary>What is served to nodes, by their own tokens: <see cref="NodeRoutes"/>.</summary>
internal static class NodeEndpoints
{
    public static async Task ControlAsync(HttpContext context)
    {
        if (Admit(context) is not var (hub, node, connection))
            return;
        using var socket = await context.AcceptOverNetworkAsync();
        await hub.ServeControlAsync(node, connection, socket, context.RequestAborted);
    }

    public static async Task StreamAsync(HttpContext context)
    {
        if (Admit(context) is not var (hub, node, connection))
            return;
        if (!await hub.ServeStreamAsync(node, connection, context.AcceptStreamOverNetworkAsync))
            context.Response.StatusCode = StatusCodes.Status409Conflict;
    }

    /// <returns>Null after it has answered with a refusal.</returns>
    private static (NodeHub Hub, NodeEntry Node, string Connection)? Admit(HttpContext context)
    {
        var services = context.RequestServices;
        var connection = context.Request.Headers[AgentRoutes.ConnectionHeader].ToString();
        // Looked up by its hash: how long that takes says nothing about tokens that are there.
        var node = context.Request.BearerToken() is { } token ? services.GetRequiredService<NodeDirectory>().WithToken(Secret.Hash(token)) : null;
        if (node is null)
            return Refuse(context, StatusCodes.Status401Unauthorized);
        if (!context.WebSockets.IsWebSocketRequest || connection.Length is 0 or > 64)
            return Refuse(context, StatusCodes.Status400BadRequest);

        context.LiftDataRates();
        return (services.GetRequiredService<NodeHub>(), node, connection);
    }

    private static (NodeHub, NodeEntry, string)? Refuse(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return null;
    }
}
