using System.Net;
using System.Net.WebSockets;
using Berth.Core.Sessions;
using Berth.Fakes;

namespace Berth.Server.Tests.Proxy;

/// <summary>Browsers that open more connections to a session than it may have.</summary>
public sealed class ManyConnectionsTests : IAsyncLifetime
{
    private const int Most = 3;

    private readonly string _folder = Directory.CreateTempSubdirectory("berth-many-").FullName;
    private App _app = null!;
    private ProxyServer _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _app = await App.StartAsync();
        _server = await ProxyServer.StartAsync(_folder, connections: Most);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task MoreAreRefusedInWordsUntilOneIsClosedAndOtherSessionsDoNotMind()
    {
        var (session, other) = (_server.AddSession(_app.Port), _server.AddSession(_app.Port));
        var origin = _server.OriginOf(session);
        using var browser = await _server.EnterAsync(session);
        // By another browser: the session's connections are counted, whoever has them.
        using var second = await _server.EnterAsync(session, signIn: "s2");
        var open = new List<ClientWebSocket>();
        for (var i = 0; i < Most; i++)
            open.Add(await (i == 0 ? second : browser).SocketAsync(origin + "/socket", origin));

        var page = await browser.NavigateAsync(origin + "/");
        Assert.Equal((HttpStatusCode.TooManyRequests, "5"), (page.StatusCode, page.Headers.RetryAfter?.ToString()));
        Assert.Contains($"climate has {Most} connections open, which is the most", await page.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        var answer = await second.FetchAsync(origin + "/api");
        Assert.Equal((HttpStatusCode.TooManyRequests, "5"), (answer.StatusCode, answer.Headers.RetryAfter?.ToString()));
        Assert.StartsWith($"climate has {Most} connections open, which is the most. Close some", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => browser.SocketAsync(origin + "/socket", origin));
        Assert.Contains("429", refused.Message, StringComparison.Ordinal);

        using var elsewhere = await _server.EnterAsync(other);
        Assert.Equal(HttpStatusCode.OK, (await elsewhere.FetchAsync(_server.OriginOf(other) + "/")).StatusCode);

        await open[0].CloseAsync(WebSocketCloseStatus.NormalClosure, null, Ct);
        await Eventually.TrueAsync(async () => (await browser.FetchAsync(origin + "/api")).StatusCode == HttpStatusCode.OK, "there is room again");
        open.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task AConnectionThatIsNeverMadeTakesNoPlace()
    {
        var gone = await App.StartAsync();
        var session = _server.AddSession(gone.Port);
        using var browser = await _server.EnterAsync(session);
        await gone.DisposeAsync();
        for (var i = 0; i < 2 * Most; i++)
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await browser.FetchAsync(_server.OriginOf(session) + "/")).StatusCode);
    }

    [Fact]
    public async Task SoManyPagesOfASessionWaitAndNoMore()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = await _server.EnterAsync(session);
        _server.Change(session, SessionStatus.Launching, Views.Launching(session, "pulling"));
        var waiting = new List<HttpResponseMessage>();
        for (var i = 0; i < Most; i++)
            waiting.Add((await browser.FetchAsync(_server.OriginOf(session) + "/_berth/status")).EnsureSuccessStatusCode());
        using var refused = await browser.FetchAsync(_server.OriginOf(session) + "/_berth/status");
        Assert.Equal((HttpStatusCode.TooManyRequests, "5"), (refused.StatusCode, refused.Headers.RetryAfter?.ToString()));

        waiting.ForEach(page => page.Dispose());
        await Eventually.TrueAsync(
            async () =>
            {
                using var again = await browser.FetchAsync(_server.OriginOf(session) + "/_berth/status");
                return again.IsSuccessStatusCode;
            },
            "there is room again");
    }
}
