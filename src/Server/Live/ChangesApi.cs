using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Server.Auth;
using Berth.Server.Options;

namespace Berth.Server.Live;

/// <summary>Changes as server-sent events: one stream serves a whole browser, or one waiting command.</summary>
public static class ChangesApi
{
    public static IEndpointRouteBuilder MapChanges(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/berth/events", StreamAsync).WithTags("events").WithSummary("What changed, as it changes (server-sent events)")
            .Produces<string>(200, "text/event-stream");
        return routes;
    }

    private static async Task StreamAsync(HttpContext context, Caller caller, Callers callers, ChangeFeed feed, ServerOptions options, TimeProvider clock, IHostApplicationLifetime lifetime, CancellationToken ct)
    {
        var cut = await callers.HoldAsync(context, caller);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        // Tells whoever listens that it hears everything from here on: what it read before may be old.
        using var listening = feed.Listen(caller.UserId);
        await context.Response.WriteAsync("event: listening\ndata:\n\n", ct);
        await context.Response.Body.FlushAsync(ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, cut, lifetime.ApplicationStopping);
        try
        {
            // A proxy in between may take a stream on which nothing comes for dead: a comment says otherwise.
            using var beat = new PeriodicTimer(options.PingEvery, clock);
            await using var changes = listening.ReadAllAsync(stop.Token).GetAsyncEnumerator(stop.Token);
            var (next, tick) = (changes.MoveNextAsync().AsTask(), beat.WaitForNextTickAsync(stop.Token).AsTask());
            while (await await Task.WhenAny(next, tick))
            {
                if (next.IsCompleted)
                {
                    await context.Response.WriteAsync($"event: change\ndata: {JsonSerializer.Serialize(changes.Current, BerthJson.Default.Change)}\n\n", stop.Token);
                    next = changes.MoveNextAsync().AsTask();
                }
                else
                {
                    await context.Response.WriteAsync(":\n\n", stop.Token);
                    tick = beat.WaitForNextTickAsync(stop.Token).AsTask();
                }

                await context.Response.Body.FlushAsync(stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The browser left, or may listen no longer, or the server stops.
        }
    }
}
