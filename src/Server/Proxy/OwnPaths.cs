using System.Threading.Channels;
using Berth.Contracts.Problems;
using Berth.Core.Sessions;
using Berth.Server.Connections;
using Berth.Server.Live;
using Berth.Server.Options;
using Berth.Server.Problems;
using Berth.Server.Sessions;

namespace Berth.Server.Proxy;

/// <summary>What Berth itself answers on a session's origin; no request under <see cref="Root"/> reaches an app.</summary>
public sealed class OwnPaths(SessionDirectory directory, ChangeFeed feed, SessionPages pages, Neighbours neighbours, Origins origins, ServerOptions options, TimeProvider clock)
{
    /// <summary>All of them begin so.</summary>
    public const string Root = "/_berth";

    private const int SoonSeconds = 15;
    private const int LateSeconds = 300;

    private readonly Places _waiting = new(options.BrowserConnectionsPerSession);

    /// <summary>Answers the request.</summary>
    public Task HandleAsync(HttpContext context, PathString path, SessionRoute route, Visitor visitor, CancellationToken cut) =>
        (context.Request.Method, path.Value) switch
        {
            ("GET", "/status") => StatusAsync(context, route, visitor, cut),
            ("GET", "/notice") => NoticeAsync(context, route, visitor),
            ("POST", "/resume") => ResumeAsync(context, route, visitor),
            _ => Answers.TextAsync(context, StatusCodes.Status404NotFound, "There is no such path."),
        };

    /// <summary>
    /// Server-sent events for a waiting page: <c>status</c> with the page's inner part each time it changes, and <c>ready</c>
    /// once the session runs.
    /// </summary>
    private async Task StatusAsync(HttpContext context, SessionRoute route, Visitor visitor, CancellationToken cut)
    {
        using var place = _waiting.Take(route.Id);
        if (place is null)
        {
            await pages.FullAsync(context, route);
            return;
        }
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, cut);
        var changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        var listening = ListenAsync(route.Id, visitor.UserId, changed.Writer, ended.Token);
        try
        {
            for (var last = ""; ;)
            {
                if (directory.TryGet(route.Id, out var now) && now.Status == SessionStatus.Running)
                {
                    await SendAsync(context.Response, "ready", "", ended.Token);
                    return;
                }

                var part = await pages.StatusAsync(route.Id, visitor, ended.Token);
                if (part.Markup != last)
                    await SendAsync(context.Response, "status", last = part.Markup, ended.Token);
                else
                    await context.Response.WriteAsync(":\n\n", ended.Token);
                if (part.IsOver)
                    return;

                // Tells a page that left from one that waits, and keeps proxies on the way from ending a silent stream.
                using var beat = new CancellationTokenSource(options.PingEvery, clock);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(ended.Token, beat.Token);
                try
                {
                    await changed.Reader.ReadAsync(either.Token);
                }
                catch (OperationCanceledException) when (!ended.IsCancellationRequested)
                {
                    // The heart beats; what it finds changed without having been told is sent all the same.
                }
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The page was closed, or its visitor signed out.
        }
        finally
        {
            await ended.CancelAsync();
            await listening;
        }
    }

    /// <summary>
    /// For a page of the app that shows it: the deadline that is near, and when to ask again. It is an answer and no stream,
    /// because a browser has six connections for all tabs of an origin. It can be read here and nothing can be done here:
    /// programs in the session have this origin, too, and the session's life is its owner's to prolong, on the server's page.
    /// </summary>
    private async Task NoticeAsync(HttpContext context, SessionRoute route, Visitor visitor)
    {
        var view = await neighbours.FindSession(visitor, route.Id, context.RequestAborted);
        var left = view?.Berth.StopsAt - clock.GetUtcNow();
        var near = view?.Berth.Warning;
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsJsonAsync(
            new SessionNotice(
                near?.Replace("`", "", StringComparison.Ordinal),
                near is null ? null : view!.Berth.StopsAt,
                near is null ? null : Math.Max(0, left!.Value.TotalSeconds),
                $"{origins.Public}/sessions/{route.Id}",
                near is not null ? SoonSeconds : (int)Math.Clamp((left?.TotalSeconds ?? LateSeconds) / 4, SoonSeconds, LateSeconds)),
            ProxyJson.Default.SessionNotice,
            cancellationToken: context.RequestAborted);
    }

    private async Task ListenAsync(string sessionId, string userId, ChannelWriter<bool> changed, CancellationToken ct)
    {
        try
        {
            await foreach (var change in feed.ListenAsync(userId, ct))
            {
                if (change.Kind == "session" && string.Equals(change.Id, sessionId, StringComparison.OrdinalIgnoreCase))
                    changed.TryWrite(true);
            }
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }
    }

    private async Task ResumeAsync(HttpContext context, SessionRoute route, Visitor visitor)
    {
        // Stricter than for an app's own requests: a browser has to say that the page is of this origin.
        if (context.Request.Headers.Origin.Count == 0 && context.Request.Headers["Sec-Fetch-Site"] is not ["same-origin"])
        {
            await Answers.TextAsync(context, StatusCodes.Status403Forbidden, "Only a page of this session may ask this.");
            return;
        }

        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var to = form["to"].ToString();
        if (!LocalPath.IsValid(to))
            to = "/";
        try
        {
            await neighbours.Resume(visitor, route.Id, context.RequestAborted);
            context.Response.StatusCode = StatusCodes.Status303SeeOther;
            context.Response.Headers.Location = to;
        }
        catch (ProblemException e)
        {
            await pages.NoticeAsync(context, e.Code.Status(), new Notice($"{route.Name} was not started", e.Message, "Back", to));
        }
    }

    private static async Task SendAsync(HttpResponse response, string name, string data, CancellationToken ct)
    {
        await response.WriteAsync($"event: {name}\ndata: {data.ReplaceLineEndings("\ndata: ")}\n\n", ct);
        await response.Body.FlushAsync(ct);
    }
}
