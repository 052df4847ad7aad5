using Berth.Server.Auth;
using Berth.Server.Proxy;
using Berth.Server.Tests.Api;
using Berth.Server.Tests.Sessions;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Strangers;

/// <summary>What is taken away is gone with the next request, and what is open is cut.</summary>
public sealed class RevocationTests(ApiServer server) : IClassFixture<ApiServer>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARevokedTokenLosesItsStreams()
    {
        var created = (await server.Owner.PostAsync("/api/berth/tokens", new { name = "streams" })).Created();
        using var stream = await EventStream.OpenAsync(server.Anonymous.Http, token: created.Text("secret"));
        Assert.Equal("event: listening", await stream.ReadLineAsync());
        using var others = await EventStream.OpenAsync(server.Owner.Http);

        (await server.Owner.DeleteAsync($"/api/berth/tokens/{created.GetProperty("token").Text("id")}")).Is(204);

        await stream.Ended().WaitAsync(Soon, Ct);
        (await server.Anonymous.GetAsync("/api/data/user", ("Authorization", $"Bearer {created.Text("secret")}"))).Refused(401);
        Assert.Equal("event: listening", await others.ReadLineAsync());
        Assert.False(others.Ended().IsCompleted);
    }

    [Fact]
    public async Task SigningOutCutsTheStreamsOfThatBrowserAndOfNoOther()
    {
        var (_, id) = await server.AddUserAsync("sina");
        var (leaving, staying) = (await SignInAsync(id), await SignInAsync(id));
        using var cut = await EventStream.OpenAsync(leaving.Http);
        using var kept = await EventStream.OpenAsync(staying.Http);
        (await leaving.PostAsync("/sign-out", null, ("Sec-Fetch-Site", "same-origin"))).Is(303);
        await cut.Ended().WaitAsync(Soon, Ct);
        (await leaving.GetAsync("/api/data/user")).Refused(401);
        (await staying.GetAsync("/api/data/user")).Ok();
        Assert.False(kept.Ended().IsCompleted);
    }

    [Fact]
    public async Task ADisabledUserLosesEverythingThatIsOpen()
    {
        var (token, id) = await server.AddUserAsync("doris");
        var browser = await SignInAsync(id);
        using var byToken = await EventStream.OpenAsync(token.Http);
        using var byCookie = await EventStream.OpenAsync(browser.Http);
        var signIn = await server.SignInIdAsync(id);
        var proxied = server.Services.GetRequiredService<LiveConnections>().Token("01JQ8Z4N6T3V5W7X9Y1A2B3C4D", signIn);

        (await server.Owner.PatchAsync($"/api/data/users/{id}", new { disabled = true })).Ok();

        await byToken.Ended().WaitAsync(Soon, Ct);
        await byCookie.Ended().WaitAsync(Soon, Ct);
        Assert.True(proxied.IsCancellationRequested);
        (await token.GetAsync("/api/data/user")).Refused(401);
        (await browser.GetAsync("/api/data/user")).Refused(401);
        Assert.False(await server.Services.GetRequiredService<LiveSignIns>().IsGoodAsync(signIn, Ct));
    }

    [Theory]
    [InlineData("patch", false)]
    [InlineData("patch", true)]
    [InlineData("reset", false)]
    [InlineData("reset", true)]
    public async Task APasswordThatAnAdminSetsOrTakesAwayEndsSignInsAndTheTokensThatAreNotKept(string way, bool keep)
    {
        var (token, id) = await server.AddUserAsync($"pia-{way}-{(keep ? "keeps" : "loses")}");
        var browser = await SignInAsync(id);
        var (other, _) = await server.AddUserAsync($"other-{way}-{(keep ? "keeps" : "loses")}");
        using var byToken = await EventStream.OpenAsync(token.Http);
        using var byCookie = await EventStream.OpenAsync(browser.Http);

        var query = keep ? "?keep_tokens=true" : "";
        if (way == "patch")
            (await server.Owner.PatchAsync($"/api/data/users/{id}{query}", new { password = "long enough a password" })).Ok();
        else
            (await server.Owner.PostAsync($"/api/data/users/{id}/reset{query}", null)).Created();

        await byCookie.Ended().WaitAsync(Soon, Ct);
        await byToken.Ended().WaitAsync(Soon, Ct); // one that is kept may come again
        (await browser.GetAsync("/api/data/user")).Refused(401);
        var again = await token.GetAsync("/api/data/user");
        if (keep)
            again.Ok();
        else
            again.Refused(401);
        (await other.GetAsync("/api/data/user")).Ok();
    }

    [Fact]
    public async Task WhoIsNoAdminAnyMoreIsNoneWithTheNextRequest()
    {
        var (admin, id) = await server.AddUserAsync("adam", admin: true);
        (await admin.GetAsync("/api/data/users")).Ok();
        (await server.Owner.PatchAsync($"/api/data/users/{id}", new { is_admin = false })).Ok();
        (await admin.GetAsync("/api/data/users")).Refused(403);
    }

    [Fact]
    public async Task WhoIsTakenOutOfAProjectOrPoolFindsItNoMore()
    {
        var (member, id) = await server.AddUserAsync("milo");
        var project = (await server.Owner.PostAsync("/api/data/projects", new { name = "Closed", @namespace = (await server.Owner.GetAsync("/api/data/user")).Ok().Text("username") })).Created().Text("id");
        (await server.Owner.SendAsync(HttpMethod.Patch, $"/api/data/projects/{project}/members", new[] { new { id, role = "editor" } })).Is(200);
        (await member.GetAsync($"/api/data/projects/{project}")).Ok();
        (await server.Owner.DeleteAsync($"/api/data/projects/{project}/members/{id}")).Is(204);
        (await member.GetAsync($"/api/data/projects/{project}")).Refused(404);

        var pool = (await server.Owner.PostAsync("/api/data/resource_pools", new
        {
            name = "closed pool",
            @public = false,
            classes = new[] { new { name = "small", cpu = 1, memory = 1, gpu = 0, max_storage = 1, @default = true } },
        })).Created().Int("id");
        (await server.Owner.PostAsync($"/api/data/resource_pools/{pool}/users", new[] { new { id } })).Is(201);
        (await member.GetAsync($"/api/data/resource_pools/{pool}")).Ok();
        (await server.Owner.DeleteAsync($"/api/data/resource_pools/{pool}/users/{id}")).Is(204);
        (await member.GetAsync($"/api/data/resource_pools/{pool}")).Refused(404);
    }

    [Fact]
    public async Task ALogThatIsFollowedEndsWithTheToken()
    {
        await using var sessions = await SessionServer.StartAsync();
        var (session, agent) = await sessions.RunningAsync();
        await using var _ = agent;
        var token = await sessions.Client.CreateTokenAsync(new("logs", Scope: "read"), Ct);
        using var http = new HttpClient { BaseAddress = new Uri(sessions.Address) };
        http.DefaultRequestHeaders.Host = "localhost:1";
        using var log = await EventStream.OpenAsync(http, $"/api/berth/sessions/{session.Id}/logs?follow=true", token.Secret);
        var ended = log.Ended();
        Assert.False(ended.IsCompleted);
        await sessions.Client.DeleteTokenAsync(token.Token.Id, Ct);
        await ended.WaitAsync(Soon, Ct);
    }

    [Theory]
    [InlineData("/api/berth/events")]
    [InlineData("/api/berth/sessions/{0}/logs?follow=true")]
    public async Task WhatATokenHasOpenIsCutWhenTheTokenExpires(string path)
    {
        await using var sessions = await SessionServer.StartAsync();
        var (session, agent) = await sessions.RunningAsync();
        await using var _ = agent;
        var token = await sessions.Client.CreateTokenAsync(new("short", ExpiresInDays: 1), Ct);
        var longer = await sessions.Client.CreateTokenAsync(new("longer", ExpiresInDays: 2), Ct);
        // Idle for as long as the token lives, it would be paused at the same moment, and its log would end with it.
        await sessions.Client.ExtendSessionAsync(session.Id, new(Minutes: 2 * 24 * 60), Ct);
        sessions.Clock.Move(token.Token.ExpiresAt - sessions.Clock.GetUtcNow() - TimeSpan.FromSeconds(2));
        using var http = new HttpClient { BaseAddress = new Uri(sessions.Address) };
        http.DefaultRequestHeaders.Host = "localhost:1";
        using var stream = await EventStream.OpenAsync(http, string.Format(null, path, session.Id), token.Secret);
        using var kept = await EventStream.OpenAsync(http, string.Format(null, path, session.Id), longer.Secret);
        Assert.True(sessions.Clock.GetUtcNow() < token.Token.ExpiresAt);
        var (ended, keptEnded) = (stream.Ended(), kept.Ended());

        await ended.WaitAsync(Soon, Ct);

        // A machine's clock may have been set back a little meanwhile.
        Assert.InRange(sessions.Clock.GetUtcNow() - token.Token.ExpiresAt, TimeSpan.FromMilliseconds(-500), TimeSpan.FromSeconds(3));
        Assert.False(keptEnded.IsCompleted);
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => EventStream.OpenAsync(http, string.Format(null, path, session.Id), token.Secret));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public void WhatASignInHasOpenIsCutWhenNobodyHasUsedItForTooLong()
    {
        var signIns = server.Services.GetRequiredService<LiveSignIns>();
        var connections = server.Services.GetRequiredService<LiveConnections>();
        const string Session = "01JQ8Z4N6T3V5W7X9Y1A2B3C4D";
        var now = TimeProvider.System.GetUtcNow();
        signIns.Add("renewed", "somebody", (now + TimeSpan.FromMilliseconds(1)).ToUnixTimeMilliseconds());
        signIns.Add("renewed", "somebody", (now + TimeSpan.FromDays(30)).ToUnixTimeMilliseconds());
        var (left, renewed) = (connections.Token(Session, "left"), connections.Token(Session, "renewed"));

        signIns.Add("left", "somebody", (now + TimeSpan.FromSeconds(1)).ToUnixTimeMilliseconds());

        Assert.True(left.WaitHandle.WaitOne(Soon));
        Assert.True(TimeProvider.System.GetUtcNow() >= now + TimeSpan.FromSeconds(1) - TimeSpan.FromMilliseconds(1));
        Assert.False(renewed.IsCancellationRequested);
    }

    private async Task<Berth.Server.Tests.Api.Api> SignInAsync(string userId)
    {
        var link = await server.Services.GetRequiredService<SignInLinks>().CreateAsync(userId, Ct);
        var browser = new Berth.Server.Tests.Api.Api(server.Browser());
        (await browser.GetAsync(new Uri(link.Url).PathAndQuery)).Is(303);
        return browser;
    }
}
