using System.Text.Json;
using Berth.Contracts.Nodes;
using Berth.Fakes;
using Berth.Node;
using Berth.Providers.Docker;
using Berth.Providers.Tests.Docker;
using Berth.Server.Nodes;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Providers.Tests.Nodes;

/// <summary>
/// A whole server with TLS by an authority of its own, and a node that joined it over the network, with the machine's real
/// engine: between the provider that the server has and the engine is every part of the way.
/// </summary>
public sealed class NodeFixture : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-n-").FullName;
    private readonly TestAuthority _authority;
    private readonly CancellationTokenSource _stop = new();
    private QuietServer _server = null!;
    private NodeFolder _node = null!;
    private Task _serving = Task.CompletedTask;

    public NodeFixture() => _authority = new TestAuthority(_folder);

    public EngineFixture Engine { get; } = new();

    public Berth.Core.Providers.ISessionProvider Provider => _server.Service<ProviderInstances>().Find(NodeRow.InstancePrefix + _node.Identity!.Id)!.Provider;

    internal DockerOptions Options => Engine.Options(_node.Identity!.Installation) with { SessionsFolder = _node.SessionsFolder };

    private string NodeData => Path.Combine(_folder, "node");

    private static CancellationToken Ct => CancellationToken.None;

    public async ValueTask InitializeAsync()
    {
        await Engine.InitializeAsync();
        _authority.Issue();
        _server = await QuietServer.StartAsync(Path.Combine(_folder, "d"), _authority);
        var token = await _server.JoinTokenAsync();
        Directory.CreateDirectory(NodeData);
        await File.WriteAllTextAsync(
            Path.Combine(NodeData, NodeFiles.Settings), JsonSerializer.Serialize(new NodeSettings(_server.Address, "lab1", new NodeOffer()), Contracts.Json.NodeJson.Default.NodeSettings), Ct);
        File.Copy(_authority.Authorities, Path.Combine(NodeData, NodeFiles.Authorities));
        _node = NodeFolder.Open(NodeData, Engine.Options("").AgentFolder);
        await NodeProgram.JoinAsync(_node, token, TimeProvider.System, Ct);
        _serving = NodeProgram.ServeAsync(_node, TimeProvider.System, _stop.Token);
        await _server.Service<NodeDirectory>().All[0].Link.ConnectedAsync(Ct).WaitAsync(TimeSpan.FromSeconds(20), Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        using (var engine = await new EngineFinder(null, Environment.GetEnvironmentVariable, TimeProvider.System).FindAsync(default))
        {
            var label = $"{DockerLabels.Installation}={_node.Identity!.Installation}";
            foreach (var container in await engine.ListContainersAsync([label], default))
                await engine.RemoveContainerAsync(container.Id, default);
            foreach (var volume in await Engine.Volumes(_node.Identity!.Installation))
                await engine.RemoveVolumeAsync(volume, default);
        }

        using (var provider = new DockerProvider(Options, TimeProvider.System))
            await provider.RemoveNetworkAsync(default);
        _node.Dispose();
        await _server.DisposeAsync();
        await Engine.DisposeAsync();
        _authority.Dispose();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
