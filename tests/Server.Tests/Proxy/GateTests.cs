using System.Net;
using System.Web;
using Berth.Fakes;

namespace Berth.Server.Tests.Proxy;

/// <summary>Who gets to a session's app, and who does not.</summary>
public sealed class GateTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-gate-").FullName;
    private readonly ManualClock _clock = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private ProxyServer _server = null!;
    private App _app = null!;

    public async ValueTask InitializeAsync()
    {
        _app = await App.StartAsync();
        _server = await ProxyServer.StartAsync(_folder, _clock);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task TheLinkOnTheServerLeadsToTheAppsFirstPage()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = _server.SignedIn();
        var response = await browser.OpenAsync($"{_server.Origin}/sessions/{session.Id.ToLowerInvariant()}/open");
        Assert.Equal("yes", Assert.Single(response.Headers.GetValues("X-App")));
        Assert.Equal($"{_server.OriginOf(session)}/lab", browser.Trail[^1].AbsoluteUri);
    }

    [Fact]
    public async Task ADeepLinkKeepsItsPathByteForByte()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = _server.SignedIn();
        await browser.OpenAsync($"{_server.OriginOf(session)}/lab/tree/a%2Fb%20c?reset&x=%26");
        Assert.Equal("/lab/tree/a%2Fb%20c?reset&x=%26", browser.Trail[^1].PathAndQuery);
    }

    [Fact]
    public async Task NothingOnTheWayIsKeptOrTold()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = _server.SignedIn();
        for (var next = new Uri($"{_server.OriginOf(session)}/lab"); ;)
        {
            var response = await browser.NavigateAsync(next.AbsoluteUri);
            if (response.Headers.Location is not { } location)
                break;
            Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
            Assert.True(response.Headers.CacheControl!.NoStore);
            foreach (var cookie in response.Headers.TryGetValues("Set-Cookie", out var set) ? set : [])
            {
                Assert.Contains("httponly", cookie);
                Assert.Contains("samesite=lax", cookie);
                Assert.DoesNotContain("domain", cookie);
            }

            next = new Uri(next, location);
        }

        Assert.DoesNotContain(_server.Log.Lines, line => line.Contains("ticket=", StringComparison.Ordinal));
        Assert.Equal(["berth-gate-" + session.Id], browser.Cookies[new Uri(_server.OriginOf(session)).Host].Keys);
    }

    [Fact]
    public async Task BehindTlsCookiesAreBoundToTheHost()
    {
        await using var server = await ProxyServer.StartAsync(_folder, _clock, new Uri("https://berth.example.org"));
        using var browser = new Browser(server.Port);
        var session = server.AddSession(_app.Port);
        var response = await browser.NavigateAsync($"http://{session.Id.ToLowerInvariant()}.localhost:{server.Port}/");
        Assert.StartsWith("https://berth.example.org/sessions/", response.Headers.Location!.AbsoluteUri);
        var cookie = Assert.Single(response.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("__Host-berth-nonce=", cookie);
        Assert.Contains("secure", cookie);
    }

    [Fact]
    public async Task BehindAProxyOfThisMachineTheAppLearnsTheVisitorsAddress()
    {
        await using var server = await ProxyServer.StartAsync(_folder, _clock, new Uri("https://berth.example.org"));
        using var browser = new Browser(server.Port);
        browser.Cookies["localhost"] = new() { ["who"] = "ana.s1" };
        var session = server.AddSession(_app.Port);
        var origin = $"http://{session.Id.ToLowerInvariant()}.localhost:{server.Port}";
        var toServer = (await browser.NavigateAsync(origin + "/")).Headers.Location!;
        var back = (await browser.NavigateAsync($"http://localhost:{server.Port}{toServer.PathAndQuery}")).Headers.Location!;
        Assert.StartsWith($"https://{session.Id.ToLowerInvariant()}.localhost/_berth/enter", back.AbsoluteUri);
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.NavigateAsync(origin + back.PathAndQuery)).StatusCode);

        var request = new HttpRequestMessage(HttpMethod.Get, origin + "/");
        request.Headers.Add("X-Forwarded-For", "203.0.113.7");
        var seen = await (await browser.SendAsync(request)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"X-Forwarded-For\":[\"203.0.113.7\"]", seen);
        Assert.Contains("\"X-Forwarded-Proto\":[\"https\"]", seen);
        Assert.DoesNotContain("berth-", seen);
    }

    [Fact]
    public async Task AProgramWithoutACookieIsToldSo()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = new Browser(_server.Port);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.FetchAsync($"{_server.OriginOf(session)}/api")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.NavigateAsync($"{_server.OriginOf(session)}/api", HttpMethod.Post)).StatusCode);
        Assert.Empty(browser.Cookies);
    }

    [Fact]
    public async Task WhoIsNotSignedInIsSentToSignInAndBack()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = new Browser(_server.Port);
        await browser.OpenAsync($"{_server.OriginOf(session)}/lab");
        Assert.Equal("/sign-in", browser.Trail[^1].AbsolutePath);
        var next = HttpUtility.ParseQueryString(browser.Trail[^1].Query)["next"]!;
        browser.Cookies["localhost"] = new() { ["who"] = "ana.s1" };
        var response = await browser.OpenAsync(_server.Origin + next);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal($"{_server.OriginOf(session)}/lab", browser.Trail[^1].AbsoluteUri);
    }

    [Fact]
    public async Task AnotherUserDoesNotLearnThatTheSessionExists()
    {
        var session = _server.AddSession(_app.Port);
        using var bob = _server.SignedIn("bob", "s2");
        var his = await bob.OpenAsync($"{_server.OriginOf(session)}/");
        var nobodys = await bob.OpenAsync($"http://01jq8z4n6t3v5w7x9y1a2b3c4d.localhost:{_server.Port}/");
        Assert.Equal(HttpStatusCode.NotFound, his.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, nobodys.StatusCode);
        Assert.Equal(await Body(nobodys), await Body(his));

        // The pages differ in nothing but their nonce.
        static async Task<string> Body(HttpResponseMessage page) =>
            System.Text.RegularExpressions.Regex.Replace(await page.Content.ReadAsStringAsync(), "nonce=\"[^\"]*\"", "");
    }

    [Fact]
    public async Task TheCookieOfOneSessionOpensNoOther()
    {
        var (a, b) = (_server.AddSession(_app.Port), _server.AddSession(_app.Port, owner: "bob"));
        using var browser = await _server.EnterAsync(a);
        var cookie = browser.Cookies[Host(a)]["berth-gate-" + a.Id];
        browser.Cookies[Host(b)] = new() { ["berth-gate-" + b.Id] = cookie };
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.FetchAsync($"{_server.OriginOf(b)}/")).StatusCode);
        browser.Cookies[Host(b)] = new() { ["berth-gate-" + b.Id] = "made-up" };
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.FetchAsync($"{_server.OriginOf(b)}/")).StatusCode);
    }

    [Fact]
    public async Task ATicketWorksOnce()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = _server.SignedIn();
        var nonce = await NonceAsync(browser, session);
        var enter = await TicketAsync(browser, session);
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.NavigateAsync(enter)).StatusCode);

        browser.Cookies[Host(session)] = new() { ["berth-nonce-" + session.Id] = nonce };
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.NavigateAsync(enter)).StatusCode);
    }

    [Fact]
    public async Task ATicketWorksInTheBrowserThatAskedForItOnly()
    {
        var session = _server.AddSession(_app.Port);
        using var ana = _server.SignedIn();
        await NonceAsync(ana, session);
        var enter = await TicketAsync(ana, session);
        using var thief = new Browser(_server.Port);
        await NonceAsync(thief, session);
        Assert.Equal(HttpStatusCode.Forbidden, (await thief.NavigateAsync(enter)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await ana.NavigateAsync(enter)).StatusCode);
    }

    [Fact]
    public async Task ATicketOfOneSessionOpensNoOther()
    {
        var (a, b) = (_server.AddSession(_app.Port), _server.AddSession(_app.Port));
        using var browser = _server.SignedIn();
        var nonce = await NonceAsync(browser, a);
        var enter = await TicketAsync(browser, a);
        browser.Cookies[Host(b)] = new() { ["berth-nonce-" + b.Id] = nonce };
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.NavigateAsync(enter.Replace(Host(a), Host(b)))).StatusCode);
    }

    [Fact]
    public async Task ATicketIsTooOldAfterAMinute()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = _server.SignedIn();
        await NonceAsync(browser, session);
        var enter = await TicketAsync(browser, session);
        _clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.NavigateAsync(enter)).StatusCode);
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("https://evil.example/")]
    public async Task NoRedirectLeavesTheOrigin(string to)
    {
        var session = _server.AddSession(_app.Port);
        using var browser = await _server.EnterAsync(session);
        var escaped = Uri.EscapeDataString(to);
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.NavigateAsync($"{_server.OriginOf(session)}/_berth/enter?ticket=x&to={escaped}")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.NavigateAsync($"{_server.Origin}/sessions/{session.Id}/open?to={escaped}")).StatusCode);
    }

    [Fact]
    public async Task TwoTabsMayComeInAtOnce()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = _server.SignedIn();
        await NonceAsync(browser, session);
        var first = await TicketAsync(browser, session);
        await NonceAsync(browser, session);
        var second = await TicketAsync(browser, session);
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.NavigateAsync(first)).StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.NavigateAsync(second)).StatusCode);
    }

    [Fact]
    public async Task ThePassSurvivesARestartOfTheServer()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = await _server.EnterAsync(session);
        await using var again = await ProxyServer.StartAsync(_folder, _clock);
        again.Directory.Set(session);
        using var same = new Browser(again.Port);
        same.Cookies[Host(session)] = browser.Cookies[Host(session)];
        Assert.Equal(HttpStatusCode.OK, (await same.FetchAsync($"http://{Host(session)}:{again.Port}/")).StatusCode);
    }

    [Fact]
    public async Task SigningOutClosesTheGate()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = await _server.EnterAsync(session);
        _server.Revoked["s1"] = true;
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.FetchAsync($"{_server.OriginOf(session)}/")).StatusCode);
    }

    [Fact]
    public async Task SessionHostsNeverReachTheServersOwnRoutes()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = await _server.EnterAsync(session);
        var signIn = await browser.FetchAsync($"{_server.OriginOf(session)}/sign-in?next=x");
        Assert.Contains("X-App", signIn.Headers.Select(h => h.Key));
        var unknown = await browser.FetchAsync($"http://www.localhost:{_server.Port}/");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        var own = await browser.FetchAsync($"{_server.Origin}/");
        Assert.Equal("the server's own", await own.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("Origin", "http://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "null", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-site", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-origin", HttpStatusCode.OK)]
    [InlineData("Sec-Fetch-Site", "none", HttpStatusCode.OK)]
    public async Task PagesOfOtherOriginsCannotAct(string header, string value, HttpStatusCode status)
    {
        var session = _server.AddSession(_app.Port);
        using var browser = await _server.EnterAsync(session);
        var request = new HttpRequestMessage(HttpMethod.Post, $"{_server.OriginOf(session)}/api");
        request.Headers.Add(header, value);
        Assert.Equal(status, (await browser.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task ALinkFromAnotherSiteStillOpensTheApp()
    {
        var session = _server.AddSession(_app.Port);
        using var browser = await _server.EnterAsync(session);
        var request = new HttpRequestMessage(HttpMethod.Get, $"{_server.OriginOf(session)}/lab");
        request.Headers.Add("Sec-Fetch-Site", "cross-site");
        request.Headers.Add("Sec-Fetch-Mode", "navigate");
        Assert.Equal(HttpStatusCode.OK, (await browser.SendAsync(request)).StatusCode);
    }

    private string Host(Server.Sessions.SessionRoute session) => new Uri(_server.OriginOf(session)).Host;

    // Step 1, and the nonce that it leaves in the browser.
    private async Task<string> NonceAsync(Browser browser, Server.Sessions.SessionRoute session)
    {
        await browser.NavigateAsync($"{_server.OriginOf(session)}/lab");
        return browser.Cookies[Host(session)]["berth-nonce-" + session.Id];
    }

    // Steps 1 and 2, and the address that comes back.
    private async Task<string> TicketAsync(Browser browser, Server.Sessions.SessionRoute session)
    {
        var first = await browser.NavigateAsync($"{_server.OriginOf(session)}/lab");
        var second = await browser.NavigateAsync(first.Headers.Location!.AbsoluteUri);
        Assert.Contains("/_berth/enter?ticket=", second.Headers.Location!.AbsoluteUri);
        return second.Headers.Location.AbsoluteUri;
    }
}
