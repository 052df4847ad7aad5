using System.Net.WebSockets;
using System.Text;
using Berth.Server.Tests.Api;
using Berth.Server.Tests.Proxy;

namespace Berth.Server.Tests.Strangers;

/// <summary>Who gets into a session, and who stays, through everything that lies between a browser and its front end.</summary>
public sealed class SessionStrangersTests(SessionWorld world) : IClassFixture<SessionWorld>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NobodyButItsUserGetsToASession()
    {
        var (owner, ownerId) = await world.AddUserAsync("anton");
        var (other, otherId) = await world.AddUserAsync("berta");
        var session = await world.RunAsync(owner);
        var own = world.OriginOf(session);
        using var inside = await world.EnterAsync(ownerId, session);

        using var unknown = new Browser(world.Address.Port);
        using var stranger = await world.SignInAsync(otherId);
        using var admin = await world.SignInAsync((await world.Owner.GetAsync("/api/data/user")).Ok().Text("id"));
        foreach (var browser in new[] { unknown, stranger, admin })
        {
            await RefusedAsync(browser, own);
            using var opened = await browser.OpenAsync($"{world.Origin}/sessions/{session}/open");
            Assert.False(opened.Headers.Contains("X-App"));
        }

        // Tokens of the API are none of a session's, not even its user's own.
        foreach (var secret in new[] { owner, other }.Select(a => a.Http.DefaultRequestHeaders.Authorization!.Parameter!))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, own + "/");
            request.Headers.Authorization = new("Bearer", secret);
            using var answer = await unknown.SendAsync(request);
            Assert.Equal(401, (int)answer.StatusCode);
        }

        // Nor is what opens a session good for the server.
        var pass = inside.Cookies[new Uri(own).Host];
        stranger.Cookies["localhost"] = pass;
        using var api = await stranger.FetchAsync($"{world.Origin}/api/data/user");
        Assert.Equal(401, (int)api.StatusCode);
    }

    [Fact]
    public async Task NoCookieTicketOrHostOfOneSessionOpensAnother()
    {
        var (owner, ownerId) = await world.AddUserAsync("carla");
        var (a, b) = (await world.RunAsync(owner), await world.RunAsync(owner));
        using var browser = await world.EnterAsync(ownerId, a);
        var ticket = browser.Trail.Single(u => u.Query.Contains("ticket=", StringComparison.Ordinal));
        var (hostA, hostB) = (new Uri(world.OriginOf(a)).Host, new Uri(world.OriginOf(b)).Host);

        // A's pass at B, under its own name and under that of B's.
        using var thief = new Browser(world.Address.Port);
        thief.Cookies[hostB] = new(browser.Cookies[hostA]);
        thief.Cookies[hostB]["berth-gate-" + b] = browser.Cookies[hostA]["berth-gate-" + a];
        await RefusedAsync(thief, world.OriginOf(b));

        // The ticket again: by a browser without the nonce, and at B.
        using var leaked = new Browser(world.Address.Port);
        foreach (var url in new[] { ticket.AbsoluteUri, ticket.AbsoluteUri.Replace(hostA, hostB, StringComparison.Ordinal) })
        {
            using var answer = await leaked.NavigateAsync(url);
            Assert.Equal(403, (int)answer.StatusCode);
            Assert.Empty(leaked.Cookies.Values.SelectMany(jar => jar.Keys));
        }

        // Hosts that look like A's, with A's pass.
        foreach (var host in new[]
        {
            hostB, "x." + hostA, hostA[1..], $"8888--{hostA}", a[..25].ToLowerInvariant() + (a[25] == 'Z' ? 'y' : 'z') + ".localhost", hostA.Replace(".localhost", ".localhost.", StringComparison.Ordinal),
            hostA.Replace(".localhost", ".localhost.evil.example", StringComparison.Ordinal), "evil.localhost",
        })
        {
            using var guess = new Browser(world.Address.Port);
            guess.Cookies[host] = new(browser.Cookies[hostA]);
            using var answer = await guess.NavigateAsync($"http://{host}:{world.Address.Port}/");
            Assert.False(answer.Headers.Contains("X-App"), host);
        }
    }

    [Theory]
    [InlineData("GET http://{other}/ HTTP/1.1\r\nHost: {own}")]
    [InlineData("GET / HTTP/1.1\r\nHost: {own}\r\nHost: {other}")]
    [InlineData("GET / HTTP/1.1\r\nHost: {other}\r\nX-Forwarded-Host: {own}")]
    [InlineData("GET / HTTP/1.1\r\nHost: {other}\r\nForwarded: host={own}")]
    [InlineData("GET //{own}/ HTTP/1.1\r\nHost: {other}")]
    [InlineData("GET / HTTP/1.1\r\nHost: {other}@{own}")]
    public async Task ARequestThatNamesTwoHostsGetsNeither(string head)
    {
        var (owner, ownerId) = await world.AddUserAsync($"h{Guid.NewGuid().ToString("N")[..8]}");
        var (own, other) = (await world.RunAsync(owner), await world.RunAsync(owner));
        using var browser = await world.EnterAsync(ownerId, own);
        var cookies = string.Join("; ", browser.Cookies[new Uri(world.OriginOf(own)).Host].Select(c => $"{c.Key}={c.Value}"));
        string Authority(string session) => new Uri(world.OriginOf(session)).Authority;

        using var line = new System.Net.Sockets.TcpClient();
        await line.ConnectAsync(world.Address.Host, world.Address.Port, Ct);
        var text = $"{head.Replace("{own}", Authority(own)).Replace("{other}", Authority(other))}\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n";
        await line.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), Ct);
        using var reader = new StreamReader(line.GetStream());
        var answer = await reader.ReadToEndAsync(Ct);
        Assert.StartsWith("HTTP/1.1 4", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("X-App", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("signs out")]
    [InlineData("is disabled")]
    [InlineData("stops the session")]
    [InlineData("pauses the session")]
    public async Task AnOpenWebSocketIsCutWhenItsVisitor(string happens)
    {
        var (owner, ownerId) = await world.AddUserAsync($"w{Guid.NewGuid().ToString("N")[..8]}");
        var session = await world.RunAsync(owner);
        var origin = world.OriginOf(session);
        using var browser = await world.EnterAsync(ownerId, session);
        using var socket = await browser.SocketAsync(origin + "/socket", origin);
        await socket.SendAsync("open"u8.ToArray(), WebSocketMessageType.Text, true, Ct);
        var buffer = new byte[100];
        Assert.Equal("open", Encoding.UTF8.GetString(buffer, 0, (await socket.ReceiveAsync(buffer.AsMemory(), Ct)).Count));
        var ended = socket.ReceiveAsync(buffer.AsMemory(), Ct).AsTask();

        switch (happens)
        {
            case "signs out":
                using (var request = new HttpRequestMessage(HttpMethod.Post, $"{world.Origin}/sign-out"))
                {
                    request.Headers.Add("Sec-Fetch-Site", "same-origin");
                    Assert.Equal(303, (int)(await browser.SendAsync(request)).StatusCode);
                }

                break;
            case "is disabled":
                (await world.Owner.PatchAsync($"/api/data/users/{ownerId}", new { disabled = true })).Ok();
                break;
            case "stops the session":
                (await owner.PostAsync($"/api/berth/sessions/{session}/stop")).Ok();
                break;
            default:
                (await owner.PostAsync($"/api/berth/sessions/{session}/pause")).Ok();
                break;
        }

        await Assert.ThrowsAsync<WebSocketException>(() => ended.WaitAsync(Soon, Ct));
        await Assert.ThrowsAsync<WebSocketException>(() => browser.SocketAsync(origin + "/socket", origin));
        using var page = await browser.FetchAsync(origin + "/");
        Assert.False(page.Headers.Contains("X-App"));
    }

    private static async Task RefusedAsync(Browser browser, string origin)
    {
        using var fetched = await browser.FetchAsync(origin + "/");
        Assert.Equal(401, (int)fetched.StatusCode);
        using var page = await browser.OpenAsync(origin + "/lab");
        Assert.False(page.Headers.Contains("X-App"));
        await Assert.ThrowsAsync<WebSocketException>(() => browser.SocketAsync(origin + "/socket", origin));
    }
}
