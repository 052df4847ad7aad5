using Berth.Server.Auth;
using Dapper;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Api;

public sealed class AuthTests(ApiServer server) : IClassFixture<ApiServer>
{
    private static readonly (string, string) SameOrigin = ("Sec-Fetch-Site", "same-origin");

    [Fact]
    public async Task TheLocalSocketIsTheOwnerWhoIsAnAdmin()
    {
        var user = (await server.Owner.GetAsync("/api/data/user")).Ok();
        Assert.Equal(Berth.Server.Users.NewUser.NameFrom(Environment.UserName), user.Text("username"));
        Assert.True(user.GetProperty("is_admin").GetBoolean());
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(server.Options.LocalSocket));
    }

    [Fact]
    public async Task ASignInLinkWorksOnce()
    {
        var path = new Uri((await server.Owner.PostAsync("/api/berth/sign_in_links")).Created().Text("url")).PathAndQuery;
        var browser = new Api(server.Browser());
        var used = (await browser.GetAsync(path)).Is(303);
        Assert.Equal("/", used.Headers["Location"]);
        Assert.Contains("httponly", used.Headers["Set-Cookie"]);
        Assert.Contains("samesite=lax", used.Headers["Set-Cookie"]);
        Assert.StartsWith($"berth-{server.Address.Port}=", used.Headers["Set-Cookie"]);
        (await browser.GetAsync("/api/data/user")).Ok();

        var again = await new Api(server.Browser()).GetAsync(path);
        Assert.Equal("/sign-in?problem=link", again.Headers["Location"]);
        Assert.DoesNotContain("Set-Cookie", again.Headers.Keys);
    }

    [Fact]
    public async Task ALinkDoesNotMakeSomebodySomebodyElse()
    {
        var browser = await SignedInAsync();
        var before = (await browser.GetAsync("/api/data/user")).Ok().Text("id");
        var (_, other) = await server.AddUserAsync("mallory");
        var link = await server.Services.GetRequiredService<SignInLinks>().CreateAsync(other, TestContext.Current.CancellationToken);
        Assert.Equal("/sign-in?problem=other", (await browser.GetAsync(new Uri(link.Url).PathAndQuery)).Headers["Location"]);
        Assert.Equal(before, (await browser.GetAsync("/api/data/user")).Ok().Text("id"));
    }

    [Fact]
    public async Task SigningOutEndsTheSignInAtOnceAlsoForACopyOfTheCookie()
    {
        var browser = await SignedInAsync();
        (await browser.GetAsync("/api/data/user")).Ok();
        await using (var db = await server.Db.OpenAsync(TestContext.Current.CancellationToken))
            Assert.NotEqual(0, await db.ExecuteScalarAsync<int>("SELECT count(*) FROM sign_ins"));
        (await browser.PostAsync("/sign-out", null, SameOrigin)).Is(303);
        (await browser.GetAsync("/api/data/user")).Refused(401);
    }

    [Fact]
    public async Task ATokenWorksUntilItIsRevoked()
    {
        var created = (await server.Owner.PostAsync("/api/berth/tokens", new { name = "ci", expires_in_days = 1 })).Created();
        var secret = created.Text("secret");
        var id = created.GetProperty("token").Text("id");
        (await server.Anonymous.GetAsync("/api/data/user", ("Authorization", $"Bearer {secret}"))).Ok();
        Assert.DoesNotContain(secret, (await server.Owner.GetAsync("/api/berth/tokens")).Is(200).Body);
        Assert.Contains(secret.Length > 40 ? id : "", (await server.Owner.GetAsync("/api/berth/tokens")).Body);
        (await server.Owner.DeleteAsync($"/api/berth/tokens/{id}")).Is(204);
        (await server.Owner.DeleteAsync($"/api/berth/tokens/{id}")).Is(204);
        (await server.Anonymous.GetAsync("/api/data/user", ("Authorization", $"Bearer {secret}"))).Refused(401, null, "revoked");
    }

    [Theory]
    [InlineData("Bearer berth_nonsense")]
    [InlineData("Bearer")]
    [InlineData("Basic YTpi")]
    public async Task AWrongTokenIsNobodyEvenOnTheLocalSocket(string header) =>
        (await server.Owner.GetAsync("/api/data/user", ("Authorization", header))).Refused(401);

    [Fact]
    public async Task OneUserCannotRevokeAnothersToken()
    {
        var mine = (await server.Owner.PostAsync("/api/berth/tokens", new { name = "mine" })).Created().GetProperty("token").Text("id");
        var (stranger, _) = await server.AddUserAsync("stan");
        (await stranger.DeleteAsync($"/api/berth/tokens/{mine}")).Is(204);
        Assert.True((await server.Owner.GetAsync("/api/berth/tokens")).Ok().Has(mine));
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site", 403)]
    [InlineData("Sec-Fetch-Site", "same-site", 403)]
    [InlineData("Origin", "http://01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", 403)]
    [InlineData("Origin", "null", 403)]
    [InlineData("X-Nothing", "at all", 403)]
    [InlineData("Sec-Fetch-Site", "same-origin", 201)]
    [InlineData("Sec-Fetch-Site", "none", 201)]
    public async Task PagesOfOtherOriginsCannotActForABrowser(string header, string value, int status)
    {
        var browser = await SignedInAsync();
        (await browser.PostAsync("/api/berth/tokens", new { name = "x" }, (header, value))).Is(status);
    }

    [Fact]
    public async Task TheServersOwnOriginMayAct()
    {
        var browser = await SignedInAsync();
        (await browser.PostAsync("/api/berth/tokens", new { name = "x" }, ("Origin", server.Address.GetLeftPart(UriPartial.Authority)))).Is(201);
    }

    [Fact]
    public async Task OtherNamesOfTheServerAreNotAnsweredTo()
    {
        (await server.Anonymous.GetAsync("/health", ("Host", "evil.example"))).Refused(404, null, "evil.example");
        (await server.Anonymous.GetAsync("/health", ("Host", $"localhost:{server.Address.Port}"))).Ok();
    }

    [Fact]
    public async Task AnswersTellBrowsersWhatToRefuse()
    {
        var headers = (await server.Anonymous.GetAsync("/api/berth/version")).Is(200).Headers;
        Assert.Contains("frame-ancestors 'none'", headers["Content-Security-Policy"]);
        Assert.DoesNotContain("script-src 'self' 'unsafe-inline'", headers["Content-Security-Policy"]);
        Assert.Equal("nosniff", headers["X-Content-Type-Options"]);
        Assert.Equal("no-store", headers["Cache-Control"]);
    }

    [Fact]
    public async Task APasswordSignsInAndWrongOnesAreSlowedDown()
    {
        (await server.Owner.PostAsync("/api/data/users", new { username = "petra", password = "correct horse" })).Created();
        Assert.Equal("/", (await TryPasswordAsync("petra", "correct horse")).Headers["Location"]);
        for (var i = 0; i < 5; i++)
            Assert.StartsWith("/sign-in?problem=password", (await TryPasswordAsync("petra", $"wrong {i}")).Headers["Location"]);
        var slowed = await TryPasswordAsync("petra", "correct horse");
        Assert.StartsWith("/sign-in?problem=wait", slowed.Headers["Location"]);
        Assert.DoesNotContain("Set-Cookie", slowed.Headers.Keys);
    }

    [Fact]
    public async Task WhereToGoAfterSigningInIsNeverAnotherSite()
    {
        (await server.Owner.PostAsync("/api/data/users", new { username = "nora", password = "correct horse" })).Created();
        Assert.Equal("/", (await TryPasswordAsync("nora", "correct horse", "https://evil.example/")).Headers["Location"]);
        Assert.Equal("/", (await TryPasswordAsync("nora", "correct horse", "//evil.example/")).Headers["Location"]);
        Assert.Equal("/sessions?x=1", (await TryPasswordAsync("nora", "correct horse", "/sessions?x=1")).Headers["Location"]);
    }

    [Fact]
    public async Task ADisabledUserIsOutAtOnce()
    {
        var (user, id) = await server.AddUserAsync("dieter");
        (await user.GetAsync("/api/data/user")).Ok();
        (await server.Owner.PatchAsync($"/api/data/users/{id}", new { disabled = true })).Ok();
        (await user.GetAsync("/api/data/user")).Refused(401);
        (await server.Owner.PatchAsync($"/api/data/users/{id}", new { disabled = false })).Ok();
        (await user.GetAsync("/api/data/user")).Ok();
    }

    private async Task<Api> SignedInAsync()
    {
        var path = new Uri((await server.Owner.PostAsync("/api/berth/sign_in_links")).Created().Text("url")).PathAndQuery;
        var browser = new Api(server.Browser());
        (await browser.GetAsync(path)).Is(303);
        return browser;
    }

    private async Task<Answer> TryPasswordAsync(string name, string password, string next = "/")
    {
        // What the sign-in page's form would hold.
        var context = new DefaultHttpContext { RequestServices = server.Services };
        var form = server.Services.GetRequiredService<IAntiforgery>().GetAndStoreTokens(context);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/sign-in")
        {
            Content = new FormUrlEncodedContent(
            [
                KeyValuePair.Create("username", name), KeyValuePair.Create("password", password), KeyValuePair.Create("next", next),
                KeyValuePair.Create(form.FormFieldName, form.RequestToken!),
            ]),
        };
        request.Headers.TryAddWithoutValidation("Cookie", context.Response.Headers.SetCookie.ToString().Split(';')[0]);
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = server.Address };
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return new Answer((int)response.StatusCode, "", response.Headers.ToDictionary(h => h.Key, h => string.Join(", ", h.Value))).Is(303);
    }
}
