using Berth.Contracts.Nodes;
using Berth.Providers.Nodes;
using Berth.Server.Auth;
using Berth.Server.Health;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Berth.Server.Nodes;

/// <summary>Machines that join: tokens, links, placement, commands.</summary>
public static class NodesRoom
{
    public static IServiceCollection AddNodes(this IServiceCollection services) => services
        .AddSingleton(new NodeLimits())
        // Ends after the directory, whose last words it saves.
        .AddHostedService<NodeSaver>()
        .AddSingleton<NodeDirectory>()
        // Before the reconciler begins and anything listens: sessions on nodes are known as such from the first moment on.
        .AddHostedService(provider => provider.GetRequiredService<NodeDirectory>())
        .AddSingleton<NodeJoins>()
        .AddSingleton<NodeAdmission>()
        .AddSingleton<NodeHub>()
        .AddSingleton<NodeQueries>()
        .AddSingleton<NodeCommands>()
        .AddSingleton<NodeRemoval>()
        .AddSingleton<IHealthProbe, NodeIsolationProbe>();

    public static IEndpointRouteBuilder MapNodes(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/berth/nodes").WithTags("nodes");
        api.MapGet("", ListAsync).WithSummary("The machines that joined: for admins all, for others their own");
        api.MapPost("tokens", CreateTokenAsync).WithSummary("Make a token with which one machine joins, within an hour: for pools (admins), or for the caller alone");
        api.MapGet("{node}", GetAsync).WithSummary("One machine, by name or id");
        api.MapPost("{node}/drain", DrainAsync).WithSummary("Let a machine finish what runs and take nothing new");
        api.MapPost("{node}/resume", ResumeAsync).WithSummary("Let a drained machine take sessions again");
        api.MapDelete("{node}", RemoveAsync).WithSummary("Forget a machine; with force=true also one that has sessions, or work of some that ended, which stays there");

        routes.MapPost(NodeRoutes.Join, JoinAsync).WithTags("nodes").WithSummary("Exchange a join token for a machine's own");
        routes.MapPut(NodeRoutes.Offer, NodeEndpoints.OfferAsync).ExcludeFromDescription();
        Map(routes, NodeRoutes.Control, NodeEndpoints.ControlAsync);
        Map(routes, NodeRoutes.Stream, NodeEndpoints.StreamAsync);
        return routes;
    }

    // After a restart all come at once; a token cannot be guessed.
    private static void Map(IEndpointRouteBuilder routes, string route, RequestDelegate handle) =>
        routes.MapGet(route, handle).DisableRateLimiting().ExcludeFromDescription();

    private static async Task<Ok<List<NodeView>>> ListAsync(Caller caller, NodeQueries nodes, CancellationToken ct) => TypedResults.Ok(await nodes.ListAsync(caller, ct));

    private static async Task<Ok<NodeView>> GetAsync(string node, Caller caller, NodeQueries nodes, CancellationToken ct) => TypedResults.Ok(await nodes.FindAsync(caller, node, ct));

    private static async Task<Created<NodeTokenCreated>> CreateTokenAsync(NodeTokenRequest request, Caller caller, NodeJoins joins, CancellationToken ct) =>
        TypedResults.Created((string?)null, await joins.CreateAsync(caller, request, ct));

    private static async Task<Ok<NodeView>> DrainAsync(string node, Caller caller, NodeCommands commands, CancellationToken ct) =>
        TypedResults.Ok(await commands.DrainAsync(caller, node, draining: true, ct));

    private static async Task<Ok<NodeView>> ResumeAsync(string node, Caller caller, NodeCommands commands, CancellationToken ct) =>
        TypedResults.Ok(await commands.DrainAsync(caller, node, draining: false, ct));

    private static async Task<Ok<NodeRemoved>> RemoveAsync(string node, Caller caller, NodeRemoval removal, CancellationToken ct, [FromQuery] bool force = false) =>
        TypedResults.Ok(await removal.RemoveAsync(caller, node, force, ct));

    private static async Task<Ok<JoinAnswer>> JoinAsync(JoinRequest request, HttpContext context, NodeJoins joins, CancellationToken ct) =>
        TypedResults.Ok(await joins.JoinAsync(request, context.Connection.RemoteIpAddress, ct));
}
