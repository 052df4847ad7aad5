using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Tests.Storage;

namespace Berth.Server.Tests.Sessions;

public class DiskUseTests : IAsyncLifetime
{
    private SessionServer _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Null: SQLite.</summary>
    protected virtual Task<string?> DatabaseUrlAsync() => Task.FromResult<string?>(null);

    public async ValueTask InitializeAsync() => _server = await SessionServer.StartAsync(await DatabaseUrlAsync());

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task AWorkspaceIsMeasuredInTheBackgroundAndAgainOnceItsSessionIsPaused()
    {
        var (session, agent) = await _server.RunningAsync();
        _server.Compute.Sizes[session.Id] = 1000;
        _server.Clock.Move(TimeSpan.FromMinutes(16));
        await using (agent)
        {
            // Whatever it hears next, it sees that the time has come.
            _server.Compute.Show(new SessionKey(session.Id, 1), o => o with { Words = "running still" });
            var measured = await SizeAsync(session, 1000);
            Assert.InRange(measured.Berth.DiskMeasuredAt!.Value, _server.Clock.GetUtcNow().AddMinutes(-1), _server.Clock.GetUtcNow());

            _server.Compute.Sizes[session.Id] = 2000;
            _server.Clock.Move(TimeSpan.FromMinutes(2));
            await _server.Client.PauseSessionAsync(session.Id, Ct);
        }

        await SizeAsync(session, 2000);
        var measurements = _server.Compute.Measurements;
        _server.Clock.Move(TimeSpan.FromHours(2));
        _server.Compute.Plant(new SessionKey("01M7Y7NNB25RVXNPSKAXR33Z2G", 1)); // the loop looks about
        await Eventually.TrueAsync(() => !_server.Compute.Keys.Any(k => k.Generation == 1 && k.SessionId != session.Id), "what nobody wants is removed");
        Assert.Equal(measurements, _server.Compute.Measurements);
    }

    [Fact]
    public async Task WhatCannotBeMeasuredIsNotShownAndHoldsNothingUp()
    {
        var (session, agent) = await _server.RunningAsync();
        await using (agent)
        {
            _server.Clock.Move(TimeSpan.FromMinutes(16));
            await _server.Client.PauseSessionAsync(session.Id, Ct);
        }

        var paused = await _server.UntilAsync(session.Id, "paused");
        Assert.Null(paused.Berth.DiskUsed);
        Assert.Null(paused.Berth.DiskMeasuredAt);
    }

    private async Task<SessionView> SizeAsync(SessionView session, long bytes)
    {
        SessionView? now = null;
        await Eventually.TrueAsync(
            async () => (now = await _server.Client.GetSessionAsync(session.Id, Ct)).Berth.DiskUsed == bytes, $"{bytes} bytes, it is {now?.Berth.DiskUsed}");
        return now!;
    }
}

public sealed class DiskUseOnPostgresTests(PostgresFixture postgres) : DiskUseTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
