using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Tests.Docker;

/// <summary>The engine is stopped, and comes back.</summary>
[Trait("Needs", "engine")]
public sealed class EngineAwayTests(EngineFixture engine) : DockerTests(engine), IClassFixture<EngineFixture>
{
    [Fact]
    public async Task AnEngineThatIsAwayIsNoObservationAndItsReturnIsFound()
    {
        using var relay = new EngineRelay(await Provider.GetEngineAsync(Ct), Path.Combine(Engine.MakeFolder("away"), "e.sock"));
        relay.Open();
        using var provider = Engine.With(o => o with { Engine = relay.Address });
        var order = Order("stay");
        await provider.StartAsync(order, new Progress<StageReport>(), Ct);

        relay.Close();
        var away = await Assert.ThrowsAsync<ProviderException>(async () => await provider.ObserveAsync(Ct).ToListAsync(Ct));
        Assert.Equal(Reason.EngineUnreachable, away.Reason);
        Assert.Equal(Reason.EngineUnreachable, (await Assert.ThrowsAsync<ProviderException>(() => provider.StopAsync(order.Key, StopMode.KeepWorkspace, Ct))).Reason);
        Assert.Equal(Reason.EngineUnreachable, (await Assert.ThrowsAsync<ProviderException>(() => provider.FindImageAsync(new ImageQuery(Engine.Image), Ct))).Reason);

        relay.Open();
        Assert.Equal(order.Key, Assert.Single(await provider.ObserveAsync(Ct).ToListAsync(Ct)).Key);
        await provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
    }

    [Fact]
    public async Task WatchingEndsWhenTheEngineGoesAway()
    {
        using var relay = new EngineRelay(await Provider.GetEngineAsync(Ct), Path.Combine(Engine.MakeFolder("watch"), "e.sock"));
        relay.Open();
        using var provider = Engine.With(o => o with { Engine = relay.Address });
        var order = Order("stay");
        await using var changes = provider.WatchAsync(Ct).GetAsyncEnumerator(Ct);
        var next = changes.MoveNextAsync().AsTask();
        await provider.StartAsync(order, new Progress<StageReport>(), Ct);
        while (await next && changes.Current != order.Key)
            next = changes.MoveNextAsync().AsTask();

        relay.Close();
        await Assert.ThrowsAsync<ProviderException>(async () => { while (await changes.MoveNextAsync()) { } });
        await Provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
    }

    [Fact]
    public async Task ChangesFromBeforeTheEngineListensAreNotMissed()
    {
        var order = Order("stay");
        await StartAsync(order);
        await using var changes = Provider.WatchAsync(Ct).GetAsyncEnumerator(Ct);
        Assert.True(await changes.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10), Ct));
        await Provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
    }
}
