using Berth.Contracts.Agents;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Options;
using Berth.Server.Proxy;
using Berth.Server.Sessions;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Api;
using Berth.Server.Tests.Proxy;
using Berth.Tunnel;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Strangers;

/// <summary>The whole server with sessions that can be opened: behind each is a real app, reached through a real tunnel.</summary>
public class SessionWorld : WorldServer
{
    private readonly Dictionary<string, SimulatedAgent> _agents = [];

    public App App { get; private set; } = null!;

    public string Origin => Services.GetRequiredService<PublicAddress>().Origin;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        App = await App.StartAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var agent in _agents.Values)
            await agent.DisposeAsync();
        await App.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>A session that runs.</summary>
    /// <param name="user">Whose it is.</param>
    /// <param name="port">Of its front end; null: <see cref="App"/>.</param>
    public async Task<string> RunAsync(Berth.Server.Tests.Api.Api user, int? port = null)
    {
        var id = (await user.PostAsync("/api/berth/sessions", new { image = "busybox", port = port ?? App.Port, resource_class_id = OpenClass })).Created().Text("id");
        await Eventually.TrueAsync(() => Compute.Keys.Any(k => k.SessionId == id), "the compute has it");
        await Eventually.TrueAsync(() => Services.GetRequiredService<SessionDirectory>().TryGet(id, out var route) && route.Generation == 1, "its agent is expected");
        var key = new SessionKey(id, 1);
        var socket = Path.Combine(Services.GetRequiredService<AgentSockets>().Folder(id), "agent.sock");
        var agent = await SimulatedAgent.ConnectAsync(new ServerDialer($"unix:{socket}", Services.GetRequiredService<AgentTokens>().Issue(key)), key, Ct);
        _agents[id] = agent;
        await agent.SayAsync(new AgentReport("ready", null, true, null, []), Ct);
        await UntilAsync(id, SessionStatus.Running);
        return id;
    }

    public Task UntilAsync(string session, SessionStatus? status) => Eventually.TrueAsync(
        () => (Services.GetRequiredService<SessionDirectory>().TryGet(session, out var route) ? route.Status : null) == status,
        $"the session is {status?.ToString() ?? "gone"}");

    public string OriginOf(string session) => Services.GetRequiredService<Origins>().Of(session);

    /// <summary>Who speaks for a session.</summary>
    public SimulatedAgent AgentOf(string session) => _agents[session];

    /// <summary>A link that signs a browser in as this user.</summary>
    public async Task<string> LinkAsync(string userId) => (await Services.GetRequiredService<SignInLinks>().CreateAsync(userId, Ct)).Url;

    /// <summary>A browser of this user.</summary>
    public async Task<Browser> SignInAsync(string userId)
    {
        var browser = new Browser(Address.Port);
        (await browser.NavigateAsync(await LinkAsync(userId))).Dispose();
        return browser;
    }

    /// <summary>A browser of this user in which the session has been opened.</summary>
    public async Task<Browser> EnterAsync(string userId, string session)
    {
        var browser = await SignInAsync(userId);
        using var page = await browser.OpenAsync(OriginOf(session) + "/");
        Assert.True(page.Headers.Contains("X-App"), $"{(int)page.StatusCode} at {browser.Trail[^1]}");
        return browser;
    }
}

/// <summary>
/// As it is set up for other people, but without TLS: everything under one domain, where all sessions are one site to a
/// browser, which says less of where requests come from, too.
/// </summary>
public sealed class DomainWorld : SessionWorld
{
    protected override ServerOptions Configure(ServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with { PublicUrl = new Uri("http://berth.example.org"), SessionHost = "{session}.s.example.org" };
    }
}
