using System.Collections.Concurrent;
using System.Net;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Ids;
using Berth.Core.Sessions;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Connections;
using Berth.Server.Live;
using Berth.Server.Options;
using Berth.Server.Problems;
using Berth.Server.Proxy;
using Berth.Server.Sessions;
using Berth.Server.Storage;
using Berth.Server.Tests.Sessions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Berth.Server.Tests.Proxy;

/// <summary>
/// A real server with the real proxy room. Beside it only what the other rooms would answer: who is signed in (cookie
/// <c>who</c>, which holds user and sign-in), and what is known of a session.
/// </summary>
public sealed class ProxyServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ProxyServer(WebApplication app, LogLines log) => (_app, Log) = (app, log);

    public int Port => new Uri(_app.Urls.First(url => url.StartsWith("http://127.0.0.1", StringComparison.Ordinal))).Port;

    public string Origin => $"http://localhost:{Port}";

    public SessionDirectory Directory => Get<SessionDirectory>();

    public LiveConnections Live => Get<LiveConnections>();

    public ChangeFeed Feed => Get<ChangeFeed>();

    /// <summary>Sign-ins that are not good any more.</summary>
    public ConcurrentDictionary<string, bool> Revoked { get; private init; } = [];

    /// <summary>What pages show, by session id.</summary>
    public ConcurrentDictionary<string, SessionView> Views { get; private init; } = [];

    /// <summary>Sessions that were asked to resume.</summary>
    public ConcurrentQueue<string> Resumed { get; private init; } = [];

    /// <summary>Sessions, and whether they were given input since the last time.</summary>
    public ConcurrentQueue<(string Session, bool Input)> Touched { get; } = [];

    /// <summary>Visits of browsers to sessions' apps.</summary>
    public ConcurrentQueue<(SessionOrigin Origin, string UserId, string From, NotedConnection Noted)> Visits { get; } = [];

    /// <summary>Why no session may be resumed now; null: each may.</summary>
    public string? RefusesResume { get; set; }

    /// <summary>Everything that was logged, at any level that is on.</summary>
    public LogLines Log { get; }

    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    public static async Task<ProxyServer> StartAsync(
        string folder, TimeProvider? clock = null, Uri? publicUrl = null, TimeSpan? pingEvery = null, int connections = 256)
    {
        var log = new LogLines();
        ProxyServer? server = null;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Information);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton(clock ?? TimeProvider.System);
        var options = new ServerOptions
        {
            DataFolder = folder,
            AgentFolder = folder,
            Port = 0,
            PublicUrl = publicUrl,
            PingEvery = pingEvery ?? TimeSpan.FromSeconds(15),
            BrowserConnectionsPerSession = connections,
        };
        builder.Services.AddSingleton(options).AddSingleton<SessionDirectory>().AddSingleton<ChangeFeed>().AddSingleton<PublicAddress>();
        builder.Services.AddAgents();
        builder.Services.AddSingleton<Db>().AddSingleton<ConnectionLog>();
        builder.Services.AddDataProtection().SetApplicationName("berth").PersistKeysToFileSystem(new DirectoryInfo(options.KeysFolder));
        builder.Services.AddSessionProxy();
        builder.Services.AddSingleton(new Neighbours(
            SignedIn: context => context.Request.Cookies["who"]?.Split('.') is [var user, var signIn] && !server!.Revoked.ContainsKey(signIn)
                ? new Visitor(user, signIn)
                : null,
            IsSignedIn: (signIn, _) => new(!server!.Revoked.ContainsKey(signIn)),
            FrontEndToken: id => $"front-end-of-{id}",
            DialAgent: (id, port, ct) => server!.Get<AgentHub>().DialAsync(id, port, ct),
            FindSession: (visitor, id, _) => Task.FromResult(
                server!.Views.TryGetValue(id, out var view) && view.Berth.UserId == visitor.UserId ? view : null),
            Resume: (_, id, _) =>
            {
                if (server!.RefusesResume is { } words)
                    throw new ProblemException(ProblemCode.QuotaExceeded, words);
                server.Resumed.Enqueue(id);
                return Task.CompletedTask;
            },
            Touched: (id, input) => server!.Touched.Enqueue((id, input)),
            BeginVisit: (origin, user, from) =>
            {
                var noted = server!.Get<ConnectionLog>().BeginVisit(origin, user, from);
                server.Visits.Enqueue((origin, user, from, noted));
                return noted;
            },
            Pace: (_, connection) => connection));
        var app = builder.Build();
        app.MapSessionProxy();
        app.UseMiddleware<SecurityHeaders>();
        app.MapGet("/sign-in", (string next) => Results.Content(
            $"<form method=post action='/sign-in?next={Uri.EscapeDataString(next)}'><button>Sign in</button></form>", "text/html"));
        app.MapPost("/sign-in", (string next, HttpContext context) =>
        {
            context.Response.Cookies.Append("who", "ana.s1");
            return Results.Redirect(next);
        });
        app.MapGet("/", () => "the server's own");
        app.MapFallback(() => Results.NotFound());
        server = new ProxyServer(app, log);
        await app.StartAsync();
        return server;
    }

    /// <summary>A session that runs.</summary>
    public SessionRoute AddSession(int port, string owner = "ana", Reach reach = Reach.Direct, SessionStatus status = SessionStatus.Running)
    {
        var route = new SessionRoute(Ulid.New(TimeProvider.System), "climate", owner, 1, status, port, "/lab", reach, "127.0.0.1", ProviderNames.Docker);
        Directory.Set(route);
        return route;
    }

    /// <summary>The session is in another state, and pages are told so, as one that saves a session does it.</summary>
    public SessionRoute Change(SessionRoute route, SessionStatus status, SessionView view)
    {
        var changed = route with { Status = status };
        Views[route.Id] = view;
        Directory.Set(changed);
        Feed.Publish(new Change("session", route.Id), route.OwnerId);
        return changed;
    }

    /// <summary>Of the front end, or of a further port.</summary>
    public string OriginOf(SessionRoute route, int? port = null) => $"http://{(port is null ? null : $"{port}--")}{route.Id.ToLowerInvariant()}.localhost:{Port}";

    /// <summary>A browser that is signed in on the server's own origin.</summary>
    public Browser SignedIn(string user = "ana", string signIn = "s1")
    {
        var browser = new Browser(Port);
        browser.Cookies["localhost"] = new() { ["who"] = $"{user}.{signIn}" };
        return browser;
    }

    /// <summary>A browser that has been through the gate.</summary>
    public async Task<Browser> EnterAsync(SessionRoute route, string user = "ana", string signIn = "s1")
    {
        var browser = SignedIn(user, signIn);
        var response = await browser.OpenAsync($"{OriginOf(route)}/");
        Assert.Equal(200, (int)response.StatusCode);
        return browser;
    }

    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }
}
