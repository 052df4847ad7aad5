using Berth.Contracts.Sessions;
using Berth.Server.Options;
using Berth.Server.Proxy.Pages;
using Berth.Server.Sessions;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace Berth.Server.Proxy;

/// <summary>
/// Pages on a session's origin that are not its app's. Each is one answer with nothing to load: what would be loaded is the
/// app's, and may not be there.
/// </summary>
public sealed class SessionPages(IServiceProvider services, ILoggerFactory loggers, Neighbours neighbours, Origins origins, ServerOptions options, TimeProvider clock)
{
    private const int RetrySeconds = 5;

    /// <summary>One thing to say.</summary>
    public Task NoticeAsync(HttpContext context, int status, Notice notice, bool retry = false)
    {
        if (!Navigation.WantsPage(context.Request))
            return Answers.TextAsync(context, status, $"{notice.Title}. {notice.Text}", retry ? RetrySeconds : null);
        if (retry)
            context.Response.Headers.RetryAfter = RetrySeconds.ToString();
        return PageAsync<NoticePage>(context, status, new()
        {
            [nameof(NoticePage.Notice)] = notice,
            [nameof(NoticePage.RetrySeconds)] = retry && HttpMethods.IsGet(context.Request.Method) ? RetrySeconds : null,
        });
    }

    /// <summary>The session does not run: where it stands, live.</summary>
    public async Task WaitAsync(HttpContext context, SessionRoute route, Visitor visitor)
    {
        if (!Navigation.WantsPage(context.Request))
        {
            var line = $"Session {route.Name} is {route.Status.ToString().ToLowerInvariant()}.";
            await Answers.TextAsync(context, StatusCodes.Status503ServiceUnavailable, line, RetrySeconds);
            return;
        }

        context.Response.Headers.RetryAfter = RetrySeconds.ToString();
        var view = await neighbours.FindSession(visitor, route.Id, context.RequestAborted);
        await WaitingAsync(context, StatusCodes.Status503ServiceUnavailable, view, live: true);
    }

    /// <summary>The session is over, or never was.</summary>
    public async Task EndedAsync(HttpContext context, Pass pass)
    {
        var view = await neighbours.FindSession(pass.Visitor, pass.Origin.SessionId, context.RequestAborted);
        if (view is null || !Navigation.WantsPage(context.Request))
            await NoticeAsync(context, StatusCodes.Status404NotFound, Notice.NoSession(origins.Public));
        else
            await WaitingAsync(context, StatusCodes.Status410Gone, view, live: false);
    }

    /// <summary>It should answer, and does not.</summary>
    public Task UnreachableAsync(HttpContext context, SessionRoute route, int? port, bool reached) => (port, reached) switch
    {
        (null, false) => NoticeAsync(context, StatusCodes.Status503ServiceUnavailable, Notice.NotReached(route.Name), retry: true),
        ({ } silent, false) => NoticeAsync(context, StatusCodes.Status503ServiceUnavailable, Notice.NothingListens(route.Name, silent), retry: true),
        (null, true) => NoticeAsync(context, StatusCodes.Status502BadGateway, Notice.NoAnswer(route.Name), retry: true),
        ({ } rude, true) => NoticeAsync(context, StatusCodes.Status502BadGateway, Notice.NoAnswer(route.Name, rude), retry: true),
    };

    /// <summary>It has as many connections as it may.</summary>
    public Task FullAsync(HttpContext context, SessionRoute route) =>
        NoticeAsync(context, StatusCodes.Status429TooManyRequests, Notice.Full(route.Name, options.BrowserConnectionsPerSession), retry: true);

    /// <summary>The waiting page's inner part, and whether nothing more will follow.</summary>
    public async Task<(string Markup, bool IsOver)> StatusAsync(string sessionId, Visitor visitor, CancellationToken ct)
    {
        var view = await neighbours.FindSession(visitor, sessionId, ct);
        return (await RenderAsync<StatusPart>(Parameters(view)), view is null or { Berth.Status: "ended" });
    }

    private Task WaitingAsync(HttpContext context, int status, SessionView? view, bool live)
    {
        // A form that is posted from a page without referrer says that it comes from nowhere.
        context.Response.Headers["Referrer-Policy"] = "same-origin";
        var parameters = Parameters(view);
        parameters[nameof(WaitingPage.Live)] = live;
        parameters[nameof(WaitingPage.To)] = Navigation.Target(context);
        return PageAsync<WaitingPage>(context, status, parameters);
    }

    private Dictionary<string, object?> Parameters(SessionView? view) => new()
    {
        [nameof(StatusPart.View)] = view,
        [nameof(StatusPart.Server)] = origins.Public,
        [nameof(StatusPart.Now)] = clock.GetUtcNow(),
    };

    private async Task PageAsync<TPage>(HttpContext context, int status, Dictionary<string, object?> parameters)
        where TPage : IComponent
    {
        var nonce = Tickets.Secret();
        parameters[nameof(NoticePage.Nonce)] = nonce;
        var html = await RenderAsync<TPage>(parameters);
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.TryAdd("Referrer-Policy", "no-referrer");
        response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; "
            + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
        await response.WriteAsync(html, context.RequestAborted);
    }

    private async Task<string> RenderAsync<TPart>(Dictionary<string, object?> parameters)
        where TPart : IComponent
    {
        await using var renderer = new HtmlRenderer(services, loggers);
        return await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<TPart>(ParameterView.FromDictionary(parameters))).ToHtmlString());
    }
}
