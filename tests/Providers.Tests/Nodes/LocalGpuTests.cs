using Berth.Core.Agents;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Node;

namespace Berth.Providers.Tests.Nodes;

/// <summary>A node looks at its gpus when it is to give them out: the server knows them as they were when they were told last.</summary>
public sealed class LocalGpuTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-o-");
    private readonly FakeNvidiaSmi _smi = new();
    private readonly FakeCompute _compute = new();
    private readonly AgentRelay _relay = new("http://127.0.0.1:1", null);
    private readonly SessionSockets _sockets;
    private readonly LocalSessions _sessions;
    private int _changes;

    public LocalGpuTests()
    {
        _sockets = new SessionSockets(_folder.FullName, _relay);
        _sessions = new LocalSessions(_compute, _sockets, _smi.Gpus(), () => _changes++);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _sockets.DisposeAsync();
        _relay.Dispose();
        _smi.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task AGpuThatSomebodyHasTakenSinceIsRefusedAndTheServerToldSoon()
    {
        _smi.Says(FakeNvidiaSmi.Busy, "GPU-a, 4242, 29900");
        var refused = await Assert.ThrowsAsync<ProviderException>(() => StartAsync(Order("GPU-a")));
        Assert.Equal((Reason.NoCapacity, "the gpu GPU-a is in use there, by somebody outside Berth."), (refused.Reason, refused.Message));
        Assert.True(refused.Reason.Rule().Elsewhere);
        Assert.Equal((0, 1), (_compute.Orders.Count, _changes));
    }

    [Fact]
    public async Task AGpuThatCannotBeSeenIsRefused()
    {
        _smi.Says(FakeNvidiaSmi.Free);
        await Assert.ThrowsAsync<ProviderException>(() => StartAsync(Order("GPU-b")));
        _smi.Does("echo Driver/library version mismatch; exit 18");
        var refused = await Assert.ThrowsAsync<ProviderException>(() => StartAsync(Order("GPU-a")));
        Assert.Equal("Which gpus it has cannot be told: nvidia-smi fails (Driver/library version mismatch).", refused.Message);
        Assert.Empty(_compute.Orders);
    }

    [Fact]
    public async Task AGpuIsStillInUseForAMomentAfterTheLastWhoUsedIt()
    {
        _smi.Says(FakeNvidiaSmi.Free);
        var free = File.ReadAllText(_smi.Program);
        // Busy at the first look, which puts the answer of the second in its place.
        var second = Path.Combine(_folder.FullName, "second");
        await File.WriteAllTextAsync(second, free, Ct);
        _smi.Does($"case $1 in --query-gpu=*) echo '{FakeNvidiaSmi.Busy}';; *) cat '{second}' >\"$0.new\"; chmod 700 \"$0.new\"; mv \"$0.new\" \"$0\";; esac");
        await StartAsync(Order("GPU-a"));
        Assert.Single(_compute.Orders);
    }

    [Fact]
    public async Task AStartThatIsRepeatedMayUseItsGpuItself()
    {
        _smi.Says(FakeNvidiaSmi.Free);
        var order = Order("GPU-a");
        await StartAsync(order);
        _smi.Says(FakeNvidiaSmi.Busy, "GPU-a, 4242, 29900");
        await StartAsync(order);
        Assert.Equal(2, _compute.Orders.Count);
    }

    [Fact]
    public async Task WithoutGpusNobodyIsAskedAndAfterAStopOrACountTheServerIsToldSoon()
    {
        var order = Order();
        await StartAsync(order);
        Assert.Equal((0, 0), (_smi.Starts, _changes));
        await _sessions.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
        Assert.Equal(1, _changes);
        await _sessions.MeasureAsync(Ct);
        Assert.Equal(2, _changes);
    }

    private Task StartAsync(StartOrder order) => _sessions.StartAsync(order, new Progress<StageReport>(), Ct);

    private static StartOrder Order(params string[] gpus)
    {
        var key = new SessionKey(Ulid.New(TimeProvider.System), 1);
        var spec = new SessionSpec { Image = "none", Resources = new SessionResources(0.5, 256L << 20, 0, new GpuRequest(0, gpus)) };
        var agent = new AgentOrder { SessionId = key.SessionId, Generation = 1, Server = "unix:/berth-session/agent.sock", MountDirectory = spec.MountDirectory, Port = spec.Port };
        return new StartOrder(key, spec, agent, "token", new Dictionary<string, string>());
    }
}
