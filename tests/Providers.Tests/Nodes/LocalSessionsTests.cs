using Berth.Core.Agents;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Node;
using Berth.Providers.Processes;

namespace Berth.Providers.Tests.Nodes;

/// <summary>What a node does not do, whatever its server says; with sessions that are processes, in real bubblewrap.</summary>
public sealed class LocalSessionsTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-o-");
    private readonly ProcessProvider _provider;
    private readonly AgentRelay _relay = new("http://127.0.0.1:1", null);
    private readonly SessionSockets _sockets;
    private readonly LocalSessions _sessions;

    public LocalSessionsTests()
    {
        StandInAgent.WriteTo(_folder.CreateSubdirectory("agent").FullName);
        _provider = new ProcessProvider(
            new ProcessOptions { AgentFolder = At("agent"), SessionsFolder = At("node/s"), DataFolder = At("node") }, TimeProvider.System);
        _sockets = new SessionSockets(At("node/s"), _relay);
        _sessions = new LocalSessions(_provider, _sockets, new Gpus(TimeProvider.System), () => { });
        foreach (var folder in (string[])["theirs", "theirs-1"])
            File.WriteAllText(Path.Combine(_folder.CreateSubdirectory(folder).FullName, "file"), "their own");
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await foreach (var left in _provider.ObserveAsync(default))
            await _provider.StopAsync(left.Key, StopMode.DeleteWorkspace, default);
        await _sockets.DisposeAsync();
        _relay.Dispose();
        _provider.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task AFolderOfTheMachineIsNoWorkspaceWhateverTheServerCallsIt()
    {
        foreach (var workspace in (string[])[At("theirs"), "../../theirs", "..", "", "a"])
            await RefusedAsync(() => _sessions.StartAsync(Order() with { Workspace = workspace }, new Progress<StageReport>(), Ct));
        await foreach (var _ in _sessions.ObserveAsync(Ct))
            Assert.Fail("Something was started.");
    }

    [Fact]
    public async Task AStopDeletesNothingThatIsNotASessions()
    {
        var key = Order().Key;
        foreach (var workspace in (string[])[At("theirs"), "../../theirs", ".."])
            await RefusedAsync(() => _sessions.StopAsync(key, StopMode.DeleteWorkspaceOf(workspace), Ct));
        await RefusedAsync(() => _sessions.StopAsync(new SessionKey("x/../../../theirs", 1), StopMode.KeepWorkspace, Ct));
        foreach (var file in (string[])["theirs/file", "theirs-1/file"])
            Assert.Equal("their own", await File.ReadAllTextAsync(At(file), Ct));
    }

    [Fact]
    public async Task AnOrderThatNamesTwoSessionsIsRefused()
    {
        var order = Order();
        await RefusedAsync(() => _sessions.StartAsync(order with { Agent = order.Agent with { SessionId = Ulid.New(TimeProvider.System) } }, new Progress<StageReport>(), Ct));
        await RefusedAsync(() => _sessions.StartAsync(order with { Key = order.Key with { Generation = -1 } }, new Progress<StageReport>(), Ct));
    }

    [Fact]
    public async Task AnOrderAsServersMakeThemIsCarriedOut()
    {
        var order = Order();
        await _sessions.StartAsync(order, new Progress<StageReport>(), Ct);
        await _sessions.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
    }

    private static async Task RefusedAsync(Func<Task> call) => Assert.Equal(Reason.Refused, (await Assert.ThrowsAsync<ProviderException>(call)).Reason);

    private static StartOrder Order()
    {
        var key = new SessionKey(Ulid.New(TimeProvider.System), 1);
        var spec = new SessionSpec { Image = "none", Command = ["stay"], Resources = new SessionResources(0.5, 256L << 20, 0, GpuRequest.None) };
        var agent = new AgentOrder { SessionId = key.SessionId, Generation = 1, Server = "unix:/berth-session/agent.sock", MountDirectory = spec.MountDirectory, Port = spec.Port, GraceSeconds = 2 };
        return new StartOrder(key, spec, agent, "token", new Dictionary<string, string>());
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);
}
