using Berth.Fakes;
using Berth.Server.Options;
using Berth.Server.Tests.Api;

namespace Berth.Server.Tests.Strangers;

/// <summary>Guessing and flooding are slowed, and only for whoever does it.</summary>
public sealed class LimitTests(ApiServer server) : IClassFixture<ApiServer>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhoGuessesTokensHasToWaitAndTokensThatWorkGoOn()
    {
        await using var guarded = new GuardedServer(500);
        await guarded.InitializeAsync();
        var (friend, _) = await guarded.AddUserAsync("fred");
        (await friend.GetAsync("/api/data/user")).Ok();
        for (var i = 0; i < 30; i++)
            (await guarded.Anonymous.GetAsync("/api/data/user", ("Authorization", $"Bearer berth_guess{i}"))).Refused(401);
        (await guarded.Anonymous.GetAsync("/api/data/user", ("Authorization", "Bearer berth_guess7"))).Refused(401);
        var refused = await guarded.Anonymous.GetAsync("/api/data/user", ("Authorization", "Bearer berth_another"));
        refused.Refused(429, null, "wrong tokens");
        Assert.InRange(int.Parse(refused.Headers["Retry-After"]), 1, 900);
        (await friend.GetAsync("/api/data/user")).Ok();
        (await guarded.Anonymous.GetAsync("/health")).Ok();
        (await guarded.Owner.GetAsync("/api/data/user")).Ok();
    }

    [Fact]
    public async Task WhoShowsTheSameWrongTokenAgainAndAgainGuessesNothing()
    {
        await using var guarded = new GuardedServer(500);
        await guarded.InitializeAsync();
        for (var i = 0; i < 60; i++)
            (await guarded.Anonymous.GetAsync("/api/data/user", ("Authorization", "Bearer berth_expired"))).Refused(401);
        (await guarded.Anonymous.GetAsync("/api/data/user", ("Authorization", "Bearer berth_another"))).Refused(401);
    }

    [Fact]
    public async Task WhoAsksTooMuchHasToWaitAndOthersNeedNot()
    {
        await using var guarded = new GuardedServer(1);
        await guarded.InitializeAsync();
        var (greedy, _) = await guarded.AddUserAsync("greta");
        var (other, _) = await guarded.AddUserAsync("otto");
        Answer answer;
        for (var i = 0; (answer = await greedy.GetAsync("/api/data/user")).Status == 200; i++)
            Assert.True(i < 1000, "nothing stops it");
        answer.Refused(429, null, "1 requests a second");
        Assert.InRange(int.Parse(answer.Headers["Retry-After"]), 1, 60);
        (await other.GetAsync("/api/data/user")).Ok();
        for (var i = 0; i < 50; i++)
            (await guarded.Owner.GetAsync("/api/data/user")).Ok();
    }

    [Fact]
    public async Task WhoListensTooOftenIsRefusedUntilOneEndsAndOthersListen()
    {
        await using var guarded = new GuardedServer(500, streams: 2);
        await guarded.InitializeAsync();
        var (greedy, _) = await guarded.AddUserAsync("greta");
        var (other, _) = await guarded.AddUserAsync("otto");
        using var first = await ListenAsync(greedy);
        using var second = await ListenAsync(greedy);
        var refused = await greedy.GetAsync("/api/berth/events");
        refused.Refused(429, null, "2 times", "streams_per_user");
        Assert.Equal("5", refused.Headers["Retry-After"]);
        using var others = await ListenAsync(other);

        first.Dispose();
        await Eventually.TrueAsync(
            async () =>
            {
                using var again = await greedy.Http.GetAsync("/api/berth/events", HttpCompletionOption.ResponseHeadersRead, Ct);
                return again.IsSuccessStatusCode;
            },
            "there is room again");

        static async Task<HttpResponseMessage> ListenAsync(Api.Api api) =>
            (await api.Http.GetAsync("/api/berth/events", HttpCompletionOption.ResponseHeadersRead, Ct)).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task ABrowserThatHasSignedInBeforeIsNotKeptOutByWrongPasswordsElsewhere()
    {
        (await server.Owner.PostAsync("/api/data/users", new { username = "alice", password = "correct horse" })).Created();
        using var hers = new SignInForm(server.Address);
        Assert.Equal("/", await hers.TryAsync("alice", "correct horse"));
        using var guesser = new SignInForm(server.Address);
        for (var i = 0; i < 5; i++)
            Assert.StartsWith("/sign-in?problem=password", await guesser.TryAsync("alice", $"wrong {i}"));
        Assert.StartsWith("/sign-in?problem=wait", await guesser.TryAsync("alice", "correct horse"));
        await hers.SignOutAsync();
        Assert.Equal("/", await hers.TryAsync("alice", "correct horse"));

        // The mark is hers alone, and has its own limit.
        Assert.StartsWith("/sign-in?problem=password", await hers.TryAsync("somebody-else", "correct horse"));
        for (var i = 0; i < 10; i++)
            Assert.StartsWith("/sign-in?problem=password", await hers.TryAsync("alice", $"wrong {i}"));
        Assert.StartsWith("/sign-in?problem=wait", await hers.TryAsync("alice", "correct horse"));
    }

    private sealed class GuardedServer(int requests, int streams = 256) : ApiServer
    {
        protected override ServerOptions Configure(ServerOptions options) => options with { RequestsPerSecond = requests, StreamsPerUser = streams };
    }
}
