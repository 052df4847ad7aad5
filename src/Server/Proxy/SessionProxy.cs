using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Berth.Tunnel;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Berth.Server.Proxy;

/// <summary>
/// Every request to a session's own origin. From here on nothing of the server's own routes, cookies or middleware applies,
/// and nothing touches the database while the session runs.
/// </summary>
/// <remarks>
/// 1. The host names a session, and a further port of it or its front end. 2. The gate lets the visitor in (<see cref="Gate"/>). 3. No page of another origin is behind
/// it. 4. The session is there and is the visitor's. 5. Berth's own paths. 6. It runs: forward; the front end has one origin. 7. It does not, or does not
/// answer: say so, to a person with a page that turns into the app, to a program with a 503.
/// </remarks>
public sealed class SessionProxy(
    SessionHosts hosts, Gate gate, SessionDirectory directory, SessionForwarder forwarder, SessionPages pages, OwnPaths own, Origins origins,
    InputWatch inputs, Visits visits, ServerOptions options, TimeProvider clock)
{
    /// <summary>Answers the request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        // 1.
        if (!hosts.TryParse(context.Request.Host.Host, out var origin))
        {
            await pages.NoticeAsync(context, StatusCodes.Status404NotFound, Notice.NoSession(origins.Public));
            return;
        }

        // 2.
        if (context.Request.Path.Equals(Gate.EnterPath, StringComparison.OrdinalIgnoreCase))
        {
            await gate.EnterAsync(context, origin);
            return;
        }

        var (pass, cut) = await gate.FindPassAsync(context, origin);
        if (pass is null)
        {
            await gate.ChallengeAsync(context, origin);
            return;
        }

        // 3.
        if (ForeignOrigin.Sent(context.Request))
        {
            await Answers.TextAsync(context, StatusCodes.Status403Forbidden, "A page of another origin may not ask this of a session.");
            return;
        }

        // 4. A session that is over is not in the directory; whose it was, the database knows.
        if (!directory.TryGet(origin.SessionId, out var route))
        {
            await pages.EndedAsync(context, pass);
            return;
        }

        if (route.OwnerId != pass.Visitor.UserId)
        {
            await gate.ChallengeAsync(context, origin);
            return;
        }

        // 5.
        if (context.Request.Path.StartsWithSegments(OwnPaths.Root, out var rest))
        {
            await own.HandleAsync(context, rest, route, pass.Visitor, cut);
            return;
        }

        // 6. and 7.
        if (origin.Port == route.Port)
            context.Response.Redirect(origins.Of(route.Id) + Navigation.Target(context), permanent: false, preserveMethod: true);
        else if (route.Status == SessionStatus.Running)
            await ForwardAsync(context, route, visits.Of(context, origin, pass.Visitor), cut);
        else
            await pages.WaitAsync(context, route, pass.Visitor);
    }

    private async Task ForwardAsync(HttpContext context, SessionRoute route, Visit visit, CancellationToken cut)
    {
        Unlimit(context);
        Watch(context, route);
        var error = await forwarder.SendAsync(context, route, visit, cut);
        if (error == ForwarderError.None || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            return;

        context.Response.Clear();
        var why = Causes(context);
        if (cut.IsCancellationRequested)
            await Answers.TextAsync(context, StatusCodes.Status503ServiceUnavailable, "The session ended, or you signed out.");
        else if (why.OfType<TooManyConnectionsException>().Any())
            await pages.FullAsync(context, route);
        else
            // Whether the front end took the connection, and so is the one to ask what is wrong.
            await pages.UnreachableAsync(context, route, visit.Origin.Port, reached: !why.Any(e =>
                e is DialRefusedException or AgentNotConnectedException or HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError }));
    }

    // Whether somebody is at the other end, or only a page that is open.
    private void Watch(HttpContext context, SessionRoute route)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade
            && string.Equals(context.Request.Headers.Upgrade, "websocket", StringComparison.OrdinalIgnoreCase))
            context.Features.Set<IHttpUpgradeFeature>(new WatchedUpgrade(upgrade, inputs.Of(route.Id), options.PingEvery, clock));
        else if (Chatter.IsInput(context.Request))
            inputs.Of(route.Id).Note();
    }

    private static List<Exception> Causes(HttpContext context)
    {
        var causes = new List<Exception>();
        for (var e = context.GetForwarderErrorFeature()?.Exception; e is not null; e = e.InnerException)
            causes.Add(e);
        return causes;
    }

    // Uploads have no limit but the session's disk, and may take as long as the line does.
    private static void Unlimit(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        context.LiftDataRates();
    }
}
