namespace Berth.Server.Tests.Api;

public sealed class TokenScopeTests(ApiServer server) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task ATokenMayDoEverythingUnlessSaidOtherwise()
    {
        var (token, id) = await CreateAsync(null);
        Assert.Contains((await server.Owner.GetAsync("/api/berth/tokens")).Ok().List(), t => t.Text("id") == id && t.Text("scope") == "all");
        (await token.PostAsync("/api/berth/tokens", new { name = "another" })).Created();
    }

    [Theory]
    [InlineData("sessions")]
    [InlineData("read")]
    public async Task ALimitedTokenGivesNobodyAWayIn(string scope)
    {
        var (token, _) = await CreateAsync(scope);
        (await token.PostAsync("/api/berth/tokens", new { name = "more", scope })).Refused(403, null, $"'{scope}'", "'all'");
        (await token.PostAsync("/api/berth/sign_in_links")).Refused(403, null, $"'{scope}'");
        (await token.PostAsync("/api/berth/password", new { new_password = "a long enough one" })).Refused(403, null, $"'{scope}'");
        (await token.PostAsync("/api/data/users", new { username = "back-door", is_admin = true })).Refused(403, null, $"'{scope}'");
        (await token.GetAsync("/api/data/user")).Ok();
    }

    [Fact]
    public async Task ATokenForReadingDoesNotStartAndOneForSessionsDoesNotReadWhatItNeedsNot()
    {
        var (reading, _) = await CreateAsync("read");
        (await reading.PostAsync("/api/berth/sessions", new { image = "busybox" })).Refused(403, null, "'read'", "'sessions'");
        (await reading.GetAsync("/api/berth/tokens")).Ok();
        var (sessions, _) = await CreateAsync("sessions");
        (await sessions.GetAsync("/api/berth/sessions")).Ok();
        (await sessions.GetAsync("/api/data/session_launchers")).Ok();
        (await sessions.GetAsync("/api/berth/tokens")).Refused(403, null, "'sessions'", "'read'");
    }

    [Fact]
    public async Task AScopeThatThereIsNotIsRefused() =>
        (await server.Owner.PostAsync("/api/berth/tokens", new { name = "x", scope = "write" })).Refused(422, "scope", "all, sessions, read", "'write'");

    private async Task<(Api Token, string Id)> CreateAsync(string? scope)
    {
        var created = (await server.Owner.PostAsync("/api/berth/tokens", new { name = $"scope {scope}", scope })).Created();
        var http = server.Browser();
        http.DefaultRequestHeaders.Authorization = new("Bearer", created.Text("secret"));
        return (new Api(http), created.GetProperty("token").Text("id"));
    }
}
