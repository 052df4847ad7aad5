using System.Text.Json;
using Berth.Contracts.Agents;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Connections;
using Berth.Server.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Nodes;

/// <summary>What is served to nodes, by their own tokens: <see cref="NodeRoutes"/>.</summary>
internal static class NodeEndpoints
{
    public static async Task ControlAsync(HttpContext context)
    {
        if (await AdmitAsync(context) is not var (hub, node, connection))
            return;
        using var place = hub.Door.Knock(node.Row.Id);
        if (place is null)
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            return;
        }

        using var socket = await context.AcceptOverNetworkAsync();
        await hub.ServeControlAsync(node, connection, place, socket, context.RequestAborted);
    }

    public static async Task StreamAsync(HttpContext context)
    {
        if (await AdmitAsync(context) is not var (hub, node, connection))
            return;
        if (!await hub.ServeStreamAsync(node, connection, context.AcceptStreamOverNetworkAsync))
            context.Response.StatusCode = StatusCodes.Status409Conflict;
    }

    /// <summary>What it offers from now on; what runs there goes on.</summary>
    public static async Task<Ok<NodeOffer>> OfferAsync(NodeOffer offer, HttpContext context, NodeDirectory nodes, CancellationToken ct)
    {
        var node = await NodeOfAsync(context) ?? throw new ProblemException(ProblemCode.SignInNeeded, "This machine is not known here: it was removed, or has joined another server.");
        if (node.Row.OwnerDisabled)
            throw new ProblemException(ProblemCode.Forbidden, $"{node.Row.OwnerName}, whom alone this machine serves, is disabled there: ask an admin.");
        var taken = NodeRules.Checked(offer);
        await nodes.OfferAsync(node.Row.Id, JsonSerializer.Serialize(taken, NodeJson.Default.NodeOffer), ct);
        return TypedResults.Ok(taken);
    }

    private static async Task<NodeEntry?> NodeOfAsync(HttpContext context) => context.Request.BearerToken() is not { } token ? null
        : await context.RequestServices.GetRequiredService<NodeAdmission>().FindAsync(token, context.Connection.RemoteIpAddress, context.RequestAborted);

    /// <returns>Null after it has answered with a refusal.</returns>
    private static async Task<(NodeHub Hub, NodeEntry Node, string Connection)?> AdmitAsync(HttpContext context)
    {
        var connection = context.Request.Headers[AgentRoutes.ConnectionHeader].ToString();
        if (await NodeOfAsync(context) is not { } node)
        {
            // A machine gives up for good on this word alone: proxies in between refuse, too.
            context.Response.Headers[NodeRoutes.UnknownHeader] = "true";
            return Refuse(context, StatusCodes.Status401Unauthorized);
        }

        if (node.Row.OwnerDisabled)
            return Refuse(context, StatusCodes.Status403Forbidden);
        if (!context.WebSockets.IsWebSocketRequest || connection.Length is 0 or > 64)
            return Refuse(context, StatusCodes.Status400BadRequest);

        context.LiftDataRates();
        return (context.RequestServices.GetRequiredService<NodeHub>(), node, connection);
    }

    private static (NodeHub, NodeEntry, string)? Refuse(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return null;
    }
}
