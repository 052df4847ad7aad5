using Berth.Contracts.Nodes;
using Berth.Core.Providers;
using Berth.Providers.Docker;
using Berth.Providers.Processes;

namespace Berth.Node;

/// <summary>What runs sessions on this machine.</summary>
internal abstract class Runtime : IDisposable
{
    /// <summary>As the settings say.</summary>
    public static Runtime Of(NodeFolder folder, TimeProvider time) => folder.Settings.Processes ? new ProcessRuntime(folder, time) : new EngineRuntime(folder, time);

    /// <summary>Starts, watches and stops them.</summary>
    public abstract ISessionProvider Provider { get; }

    /// <summary>What it is, and how much of the machine it can give.</summary>
    /// <exception cref="ProviderException">It does not work now.</exception>
    public abstract Task<NodeFacts> DescribeAsync(NodeFacts measured, CancellationToken ct);

    /// <summary>What to do where it does not work.</summary>
    public abstract string Advice { get; }

    /// <inheritdoc/>
    public abstract void Dispose();

    // Before it has joined nothing is started, and nothing need be kept.
    private static string AgentOf(NodeFolder folder, TimeProvider time) =>
        folder.Identity is null ? folder.AgentFolder : AgentBundle.Keep(folder.AgentFolder, folder.Path, time);

    private sealed class EngineRuntime(NodeFolder folder, TimeProvider time) : Runtime
    {
        private readonly DockerProvider _docker = new(
            new DockerOptions
            {
                Engine = folder.Settings.Engine,
                InstallationId = folder.Identity?.Installation ?? "none",
                AgentFolder = AgentOf(folder, time),
                SessionsFolder = folder.SessionsFolder,
                ImagesFolder = folder.ImagesFolder,
            },
            time);

        public override ISessionProvider Provider => _docker;

        public override string Advice => "Install Docker or Podman, and let this user use it";

        public override async Task<NodeFacts> DescribeAsync(NodeFacts measured, CancellationToken ct)
        {
            var engine = await _docker.GetEngineAsync(ct);
            return measured with { Engine = $"{engine.Product} ({engine.Platform})", Cpu = engine.Cpus, MemoryBytes = engine.MemoryBytes };
        }

        public override void Dispose() => _docker.Dispose();
    }

    private sealed class ProcessRuntime(NodeFolder folder, TimeProvider time) : Runtime
    {
        // Of the user's own folder: what proves them to others.
        private static readonly string[] s_secret = [".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".netrc", ".config/berth", ".config/gcloud", ".local/share/berth", ".local/share/berth-node", ".local/state/berth"];

        private readonly ProcessProvider _processes = new(
            new ProcessOptions
            {
                AgentFolder = AgentOf(folder, time),
                SessionsFolder = folder.SessionsFolder,
                DataFolder = folder.Path,
                Hidden = [.. s_secret.Select(name => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), name)).Prepend(folder.Path).Distinct()],
            },
            time);

        public override ISessionProvider Provider => _processes;

        public override string Advice => "See to that";

        public override async Task<NodeFacts> DescribeAsync(NodeFacts measured, CancellationToken ct) =>
            measured with { Engine = $"processes of {Environment.UserName}, not isolated ({await _processes.CheckAsync(ct)})" };

        public override void Dispose() => _processes.Dispose();
    }
}
