using Berth.Core.Agents;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

/// <summary>Orders and observations for tests of the Docker provider alone.</summary>
public abstract class DockerTests(EngineFixture engine)
{
    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected EngineFixture Engine => engine;

    protected DockerProvider Provider => engine.Provider;

    protected StartOrder Order(string? behaviour, Func<SessionSpec, SessionSpec>? change = null)
    {
        var spec = new SessionSpec
        {
            Image = engine.Image,
            Command = behaviour is null ? null : [behaviour],
            Resources = new SessionResources(0.5, 256L << 20, 0, GpuRequest.None),
        };
        spec = change?.Invoke(spec) ?? spec;
        var key = new SessionKey(Ulid.New(TimeProvider.System), 1);
        var agent = new AgentOrder
        {
            SessionId = key.SessionId,
            Generation = key.Generation,
            Server = "unix:/berth-session/agent.sock",
            MountDirectory = spec.MountDirectory,
            Port = spec.Port,
            GraceSeconds = 2,
        };
        return new StartOrder(key, spec, agent, "secret-of-the-agent", new Dictionary<string, string>());
    }

    protected Task StartAsync(StartOrder order, IProgress<StageReport>? progress = null) =>
        Provider.StartAsync(order, progress ?? new Progress<StageReport>(), Ct);

    protected async Task<Observation> SeenAsync(SessionKey key, ForeignState state)
    {
        Observation? seen = null;
        await Eventually.TrueAsync(
            async () => (seen = await FindAsync(key))?.State == state, $"{key} is {state}", TimeSpan.FromSeconds(30));
        return seen!;
    }

    protected async Task<string> SaidAsync(SessionKey key)
    {
        var end = await SeenAsync(key, ForeignState.Exited);
        Assert.True(end.ExitCode == 0, $"exit code {end.ExitCode}: {end.LastWords}");
        return end.LastWords ?? "";
    }

    protected async Task<Observation?> FindAsync(SessionKey key)
    {
        await foreach (var observation in Provider.ObserveAsync(Ct))
        {
            if (observation.Key == key)
                return observation;
        }

        return null;
    }

    protected async Task<ProviderException> RefusedAsync(StartOrder order, Reason reason)
    {
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => StartAsync(order));
        Assert.True(reason == refusal.Reason, $"It was refused as {refusal.Reason} and not as {reason}: {refusal.Message}");
        Assert.Null(await FindAsync(order.Key));
        return refusal;
    }
}
