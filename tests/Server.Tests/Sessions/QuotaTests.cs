using Berth.Contracts.Client;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Contracts.Users;
using Berth.Server.Tests.Storage;
using Berth.Server.Users;

namespace Berth.Server.Tests.Sessions;

public abstract class QuotaTests : IAsyncLifetime
{
    private SessionServer _server = null!;

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected virtual Task<string?> DatabaseUrlAsync() => Task.FromResult<string?>(null);

    public async ValueTask InitializeAsync() => _server = await SessionServer.StartAsync(await DatabaseUrlAsync());

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task OfManyStartsAtOnceNoMoreBeginThanTheQuotaOfTheUserHas()
    {
        await QuotaAsync(new UserQuota(Sessions: 3));
        var starts = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => TryStartAsync(new StartRequest(Image: "busybox", Name: $"s{i}"))));

        Assert.Equal(3, starts.Count(s => s is null));
        Assert.Equal(3, (await _server.Client.ListSessionsAsync(Ct)).Count);
        var refused = starts.First(s => s is not null)!;
        Assert.Equal(ProblemCode.QuotaExceeded, refused.Kind);
        Assert.Contains("Your quota is 3 sessions at once", refused.Message);
        Assert.Contains("berth session pause s", refused.Message);
    }

    [Fact]
    public async Task OfManyStartsAtOnceNoMoreBeginThanTheQuotaOfThePoolHas()
    {
        await PoolQuotaAsync("""{"cpu":2,"memory":100,"gpu":0}""");
        var starts = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => TryStartAsync(new StartRequest(Image: "busybox", Name: $"s{i}"))));
        Assert.Equal(2, starts.Count(s => s is null));
        Assert.Contains("The quota of pool 'Tests' is 2 cores: 2 in use, by your sessions", starts.First(s => s is not null)!.Message);
    }

    [Fact]
    public async Task OfAStartAndAResumeAtOnceOneTakesTheLastPiece()
    {
        var (paused, agent) = await _server.RunningAsync(new StartRequest(Image: "busybox", Name: "paused"));
        await using (agent)
            await _server.Client.PauseSessionAsync(paused.Id, Ct);
        await _server.UntilAsync(paused.Id, "paused");
        await QuotaAsync(new UserQuota(Cpu: 1));

        var both = await Task.WhenAll(
            TryStartAsync(new StartRequest(Image: "busybox", Name: "new")),
            RefusalOf(() => _server.Client.ResumeSessionAsync(paused.Id, new ResumeRequest(), Ct)));
        Assert.Single(both, refusal => refusal is null);
        Assert.Single(both, refusal => refusal?.Kind == ProblemCode.QuotaExceeded);
    }

    [Fact]
    public async Task AResumeInALargerClassIsHeldToTheQuotaAndASessionDoesNotStandInItsOwnWay()
    {
        var (session, agent) = await _server.RunningAsync();
        await using (agent)
            await _server.Client.PauseSessionAsync(session.Id, Ct);
        await _server.UntilAsync(session.Id, "paused");
        await QuotaAsync(new UserQuota(Sessions: 1, Cpu: 4));

        var refused = await RefusalOf(() => _server.Client.ResumeSessionAsync(session.Id, new ResumeRequest(902), Ct));
        Assert.Equal("Your quota is 4 cores: 0 in use; 8 more are asked for. Ask for less.", refused!.Message);
        Assert.Equal("paused", (await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.Status);
        Assert.Equal("launching", (await _server.Client.ResumeSessionAsync(session.Id, new ResumeRequest(), Ct)).Berth.Status);
    }

    [Fact]
    public async Task TheRefusalSaysWhichSessionsHoldHowMuch()
    {
        await _server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "small", Cpu: 0.5));
        await _server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "large", Cpu: 3));
        await QuotaAsync(new UserQuota(Cpu: 4));
        var refused = await TryStartAsync(new StartRequest(Image: "busybox", Cpu: 1));
        Assert.Equal(
            "Your quota is 4 cores: 3.5 in use, by your sessions 'small' (0.5), 'large' (3); 1 more is asked for. "
            + "Pause or stop one of yours (`berth session pause small`), or ask for less.",
            refused!.Message);
    }

    [Fact]
    public async Task AllGpusAreMoreThanAnyQuotaOfGpus()
    {
        await PoolQuotaAsync("""{"cpu":100,"memory":100,"gpu":2}""");
        var refused = await TryStartAsync(new StartRequest(Image: "busybox", Gpu: "all"));
        Assert.Contains("is 2 gpus: 0 in use; all more are asked for", refused!.Message);
    }

    [Fact]
    public async Task SessionsOfOthersAreCountedInAPoolAndNotNamed()
    {
        var other = await AddUserAsync("bob");
        await _server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "secret"));
        await _server.Db.ExecuteAsync("UPDATE sessions SET user_id = @other", new { other }, Ct);
        await PoolQuotaAsync("""{"cpu":1,"memory":100,"gpu":0}""");
        await QuotaAsync(new UserQuota(Sessions: 1));

        var refused = await TryStartAsync(new StartRequest(Image: "busybox"));
        Assert.Contains("1 in use, by sessions of others; 1 more is asked for", refused!.Message);
        Assert.DoesNotContain("secret", refused.Message);
    }

    [Fact]
    public async Task AUsersOwnQuotaTakesThePlaceOfTheDefault()
    {
        await QuotaAsync(new UserQuota(Sessions: 0));
        Assert.NotNull(await TryStartAsync(new StartRequest(Image: "busybox")));
        await _server.Db.ExecuteAsync("UPDATE users SET quota = @quota", new { quota = UserQuotas.Text(new UserQuota(Cpu: 1)) }, Ct);
        Assert.Null(await TryStartAsync(new StartRequest(Image: "busybox")));
        Assert.Contains("Your quota is 1 core: 1 in use", (await TryStartAsync(new StartRequest(Image: "busybox")))!.Message);
    }

    private Task<UserQuota> QuotaAsync(UserQuota quota) => _server.Client.SetDefaultQuotaAsync(quota, Ct);

    private Task<int> PoolQuotaAsync(string quota) => _server.Db.ExecuteAsync("UPDATE resource_pools SET quota = @quota WHERE id = 900", new { quota }, Ct);

    private Task<string> AddUserAsync(string name) =>
        _server.Db.WriteAsync(connection => NewUser.InsertAsync(connection, new NewUser(name), TimeProvider.System), Ct);

    private Task<ProblemDetail?> TryStartAsync(StartRequest request) => RefusalOf(() => _server.StartSessionAsync(request));

    private static async Task<ProblemDetail?> RefusalOf(Func<Task> act)
    {
        try
        {
            await act();
            return null;
        }
        catch (ApiException e)
        {
            return e.Problem;
        }
    }
}

public sealed class QuotaOnSqliteTests : QuotaTests;

[Trait("Needs", "postgres")]
public sealed class QuotaOnPostgresTests(PostgresFixture postgres) : QuotaTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
