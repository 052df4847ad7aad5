using Berth.Fakes;
using Berth.Server.Auth;
using Berth.Server.Proxy;
using Berth.Server.Storage;
using Berth.Server.Tests.Api;
using Berth.Server.Tests.Storage;
using Dapper;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Strangers;

/// <summary>Two servers on one database: what one revokes is gone at the other, too, at once.</summary>
[Trait("Needs", "postgres")]
public sealed class ReplicaTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private readonly HeldClock _clock = new();
    private ReplicaServer _here = null!;
    private ReplicaServer _there = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private ReplicaChannel Channel => _there.Services.GetRequiredService<ReplicaChannel>();

    private LiveSignIns SignIns => _there.Services.GetRequiredService<LiveSignIns>();

    public async ValueTask InitializeAsync()
    {
        var url = await postgres.CreateDatabaseAsync();
        (_here, _there) = (new ReplicaServer(url, TimeProvider.System), new ReplicaServer(url, _clock));
        await _here.InitializeAsync();
        await _there.InitializeAsync();
        await Eventually.TrueAsync(() => Channel.IsHearing, "the other server hears");
    }

    [Fact]
    public async Task ATokenThatIsRevokedHereIsRefusedAndCutThere()
    {
        var (id, secret) = await CreateTokenAsync();
        (await GetThereAsync(secret)).Ok();
        using var stream = await EventStream.OpenAsync(_there.Anonymous.Http, token: secret);
        (await _here.Owner.DeleteAsync($"/api/berth/tokens/{id}")).Is(204);
        await stream.Ended().WaitAsync(Soon, Ct);
        (await GetThereAsync(secret)).Refused(401);
    }

    [Fact]
    public async Task WhoIsSignedInHereIsLetInThereAndCutWhenDisabled()
    {
        var (_, user) = await _here.AddUserAsync("rita");
        var signIn = await _here.SignInIdAsync(user);
        await Eventually.TrueAsync(() => SignIns.Ids.Contains(signIn), "the other server has heard of the sign-in");
        Assert.True(await SignIns.IsGoodAsync(signIn, Ct));
        var proxied = _there.Services.GetRequiredService<LiveConnections>().Token("01JQ8Z4N6T3V5W7X9Y1A2B3C4D", signIn);

        (await _here.Owner.PatchAsync($"/api/data/users/{user}", new { disabled = true })).Ok();

        await Eventually.TrueAsync(() => proxied.IsCancellationRequested, "what is open there is cut");
        Assert.False(await SignIns.IsGoodAsync(signIn, Ct));
    }

    [Fact]
    public async Task AServerThatCannotHearAsksAndCutsWhenItCanHearAgain()
    {
        var (id, secret) = await CreateTokenAsync();
        (await GetThereAsync(secret)).Ok();
        var (_, user) = await _here.AddUserAsync("dora");
        var signIn = await _here.SignInIdAsync(user);
        await Eventually.TrueAsync(() => SignIns.Ids.Contains(signIn), "the other server has heard of the sign-in");
        using var stream = await EventStream.OpenAsync(_there.Anonymous.Http, token: secret);
        Assert.Equal("event: listening", await stream.ReadLineAsync());

        _clock.Hold();
        await using (var db = await _here.Db.OpenAsync(Ct))
        {
            // Both servers' ears; the first one's are open again after a second.
            await db.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'");
        }

        await Eventually.TrueAsync(() => !Channel.IsHearing, "the other server knows that it hears nothing");
        (await GetThereAsync(secret)).Ok();
        Assert.True(await SignIns.IsGoodAsync(signIn, Ct));
        (await _here.Owner.DeleteAsync($"/api/berth/tokens/{id}")).Is(204);
        (await _here.Owner.PatchAsync($"/api/data/users/{user}", new { disabled = true })).Ok();
        (await GetThereAsync(secret)).Refused(401);
        Assert.False(await SignIns.IsGoodAsync(signIn, Ct));
        var ended = stream.Ended();
        Assert.False(ended.IsCompleted);

        _clock.Release();
        await ended.WaitAsync(Soon, Ct);
        await Eventually.TrueAsync(() => Channel.IsHearing, "it hears again");
    }

    public async ValueTask DisposeAsync()
    {
        await _here.DisposeAsync();
        await _there.DisposeAsync();
    }

    private Task<Answer> GetThereAsync(string secret) => _there.Anonymous.GetAsync("/api/data/user", ("Authorization", $"Bearer {secret}"));

    private async Task<(string Id, string Secret)> CreateTokenAsync()
    {
        var created = (await _here.Owner.PostAsync("/api/berth/tokens", new { name = "both" })).Created();
        return (created.GetProperty("token").Text("id"), created.Text("secret"));
    }

    private sealed class ReplicaServer(string url, TimeProvider clock) : ApiServer
    {
        protected override ValueTask<string?> DatabaseUrlAsync() => ValueTask.FromResult<string?>(url);

        protected override void Adjust(WebApplicationBuilder builder) => builder.Services.AddSingleton(clock);
    }

    /// <summary>Real time; while it is held, no timer that is set fires.</summary>
    private sealed class HeldClock : TimeProvider
    {
        private readonly List<(ITimer Timer, TimeSpan Period)> _held = [];
        private readonly Lock _gate = new();
        private bool _holding;

        public void Hold()
        {
            lock (_gate)
                _holding = true;
        }

        public void Release()
        {
            lock (_gate)
            {
                _holding = false;
                _held.ForEach(h => h.Timer.Change(TimeSpan.Zero, h.Period));
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            lock (_gate)
            {
                if (!_holding || dueTime == Timeout.InfiniteTimeSpan)
                    return base.CreateTimer(callback, state, dueTime, period);
                var timer = base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
                _held.Add((timer, period));
                return timer;
            }
        }
    }
}
