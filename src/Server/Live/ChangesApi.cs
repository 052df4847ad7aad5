using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Options;
using Berth.Server.Problems;

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
        using var place = feed.TakePlace(caller.UserId) ?? throw TooMany(options.StreamsPerUser);
        var cut = await callers.HoldAsync(context, caller);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        // Tells whoever listens that it hears everything from here on: what it read before may be old.
        using var listening = feed.Listen(caller.UserId);
        await context.Response.WriteAsync("event: listening\ndata:\n\n", ct);
        await context.Response.Body.FlushAsync(ct);
        using var writing = new SemaphoreSlim(1);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, cut, lifetime.ApplicationStopping);
        try
        {
            var beating = BeatAsync();
            try
            {
                await foreach (var change in listening.ReadAllAsync(stop.Token))
                    await SayAsync($"event: change\ndata: {JsonSerializer.Serialize(change, BerthJson.Default.Change)}\n\n");
            }
            finally
            {
                await stop.CancelAsync();
                await beating.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (OperationCanceledException)
        {
            // The browser left, or may listen no longer, or the server stops.
        }

        // A proxy in between may take a stream on which nothing comes for dead: a comment says otherwise.
        async Task BeatAsync()
        {
            using var beat = new PeriodicTimer(options.PingEvery, clock);
            while (await beat.WaitForNextTickAsync(stop.Token))
                await SayAsync(":\n\n");
        }

        async Task SayAsync(string text)
        {
            await writing.WaitAsync(stop.Token);
            try
            {
                await context.Response.WriteAsync(text, stop.Token);
                await context.Response.Body.FlushAsync(stop.Token);
            }
            finally
            {
                writing.Release();
            }
        }
    }

    private static ProblemException TooMany(int most) => new(
        ProblemCode.TooManyRequests,
        $"You listen for changes {most} times, which is the most. Close pages or commands that wait, or have streams_per_user raised on the server.")
    {
        RetryAfter = TimeSpan.FromSeconds(5),
    };
}
