using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using Berth.Core.Sessions;
using Berth.Server.Proxy;
using Berth.Server.Sessions;

namespace Berth.Server.Tests.Proxy;

/// <summary>Any port of a session in the browser, under an origin of its own.</summary>
public sealed class FurtherPortTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-port-").FullName;
    private readonly AgentWay _way = new();
    private ProxyServer _server = null!;
    private App _frontEnd = null!;
    private App _app = null!;
    private SessionRoute _session = null!;

    public async ValueTask InitializeAsync()
    {
        (_frontEnd, _app) = (await App.StartAsync(), await App.StartAsync());
        _server = await _way.StartServerAsync(_folder);
        _session = await _way.AddSessionAsync(_server, _frontEnd);
    }

    public async ValueTask DisposeAsync()
    {
        await _way.DisposeAsync();
        await _server.DisposeAsync();
        await _app.DisposeAsync();
        await _frontEnd.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string Link => $"{_server.Origin}/sessions/{_session.Id}/open?port={_app.Port}";

    private string Origin => _server.OriginOf(_session, _app.Port);

    [Fact]
    public async Task TheLinkWithAPortLeadsToWhatListensThere()
    {
        using var browser = _server.SignedIn();
        var seen = await SeenAsync(await browser.OpenAsync(Link));
        Assert.Equal($"{Origin}/", browser.Trail[^1].AbsoluteUri);
        Assert.Equal(new Uri(Origin).Authority, Assert.Single(seen.Headers["Host"]));
        var visit = Assert.Single(_server.Visits);
        Assert.Equal((new SessionOrigin(_session.Id, _app.Port), "ana", "127.0.0.1"), (visit.Origin, visit.UserId, visit.From));
    }

    [Fact]
    public async Task ItsOriginLetsTheVisitorInAsTheSessionsDoes()
    {
        using var browser = _server.SignedIn();
        await browser.OpenAsync($"{Origin}/a%2Fb?c=d");
        Assert.Equal($"{Origin}/a%2Fb?c=d", browser.Trail[^1].AbsoluteUri);
        Assert.Equal([$"berth-gate-{_session.Id}-{_app.Port}"], browser.Cookies[new Uri(Origin).Host].Keys);
    }

    [Fact]
    public async Task TheFrontEndsTokenIsForTheFrontEndAlone()
    {
        using var browser = _server.SignedIn();
        var app = await SeenAsync(await browser.OpenAsync($"{Origin}/"));
        Assert.DoesNotContain("Authorization", app.Headers.Keys);
        Assert.DoesNotContain("Cookie", app.Headers.Keys);

        var request = new HttpRequestMessage(HttpMethod.Get, $"{Origin}/");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer berth_something");
        Assert.DoesNotContain("Authorization", (await SeenAsync(await browser.SendAsync(request))).Headers.Keys);

        request = new HttpRequestMessage(HttpMethod.Get, $"{Origin}/");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer its-own");
        Assert.Equal("Bearer its-own", Assert.Single((await SeenAsync(await browser.SendAsync(request))).Headers["Authorization"]));
    }

    [Fact]
    public async Task ThePassOfOneOriginOpensNoOtherOfTheSameSession()
    {
        using var browser = await _server.EnterAsync(_session);
        var front = browser.Cookies[new Uri(_server.OriginOf(_session)).Host][$"berth-gate-{_session.Id}"];
        browser.Cookies[new Uri(Origin).Host] = new() { [$"berth-gate-{_session.Id}-{_app.Port}"] = front, [$"berth-gate-{_session.Id}"] = front };
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.FetchAsync($"{Origin}/")).StatusCode);

        browser.Cookies.Remove(new Uri(Origin).Host);
        await browser.OpenAsync($"{Origin}/");
        var port = browser.Cookies[new Uri(Origin).Host][$"berth-gate-{_session.Id}-{_app.Port}"];
        browser.Cookies[new Uri(_server.OriginOf(_session)).Host] = new() { [$"berth-gate-{_session.Id}"] = port };
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.FetchAsync($"{_server.OriginOf(_session)}/")).StatusCode);
    }

    [Fact]
    public async Task ATicketForOnePortIsNoneForAnother()
    {
        using var browser = _server.SignedIn();
        var challenge = (await browser.NavigateAsync($"{Origin}/")).Headers.Location!;
        var enter = (await browser.NavigateAsync(challenge.AbsoluteUri)).Headers.Location!;
        var nonce = browser.Cookies[new Uri(Origin).Host][$"berth-nonce-{_session.Id}-{_app.Port}"];
        var other = _server.OriginOf(_session);
        browser.Cookies[new Uri(other).Host] = new() { [$"berth-nonce-{_session.Id}"] = nonce };
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.NavigateAsync(other + enter.PathAndQuery)).StatusCode);
    }

    [Fact]
    public async Task AStrangerGetsNoneOfThem()
    {
        using var bob = _server.SignedIn("bob", "s2");
        Assert.Equal(HttpStatusCode.NotFound, (await bob.OpenAsync(Link)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await bob.OpenAsync($"{Origin}/")).StatusCode);
        using var nobody = new Browser(_server.Port);
        Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.FetchAsync($"{Origin}/")).StatusCode);
    }

    [Fact]
    public async Task PagesOfTheSessionsOtherOriginsMayNotActOnIt()
    {
        using var browser = _server.SignedIn();
        await browser.OpenAsync($"{Origin}/");
        var request = new HttpRequestMessage(HttpMethod.Post, $"{Origin}/");
        request.Headers.Add("Origin", _server.OriginOf(_session));
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.SendAsync(request)).StatusCode);
        await Assert.ThrowsAsync<WebSocketException>(() => browser.SocketAsync($"{Origin}/socket", origin: _server.OriginOf(_session)));
        using var own = await browser.SocketAsync($"{Origin}/socket", origin: Origin);
        Assert.Equal(WebSocketState.Open, own.State);
    }

    [Fact]
    public async Task TheFrontEndHasOneOrigin()
    {
        using var browser = _server.SignedIn();
        await browser.OpenAsync($"{_server.Origin}/sessions/{_session.Id}/open?port={_frontEnd.Port}");
        Assert.Equal($"{_server.OriginOf(_session)}/lab", browser.Trail[^1].AbsoluteUri);
        await browser.OpenAsync($"{_server.OriginOf(_session, _frontEnd.Port)}/x?y");
        Assert.Equal($"{_server.OriginOf(_session)}/x?y", browser.Trail[^1].AbsoluteUri);
    }

    [Fact]
    public async Task APortThatNothingListensOnIsSaidToBeSo()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        using var browser = _server.SignedIn();
        var response = await browser.OpenAsync($"{_server.Origin}/sessions/{_session.Id}/open?port={port}");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains($"Nothing answers on port {port} of climate", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("08080")]
    [InlineData("http")]
    public async Task APortThatIsNoneIsRefused(string port)
    {
        using var browser = _server.SignedIn();
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.OpenAsync($"{_server.Origin}/sessions/{_session.Id}/open?port={port}")).StatusCode);
    }

    [Fact]
    public async Task WhileTheSessionIsPausedItsPortsSaySo()
    {
        using var browser = _server.SignedIn();
        await browser.OpenAsync($"{Origin}/");
        _server.Change(_session, SessionStatus.Paused, Views.Paused(_session));
        var response = await browser.NavigateAsync($"{Origin}/");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("Resume", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static async Task<Seen> SeenAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonSerializer.Deserialize<Seen>(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
    }
}
