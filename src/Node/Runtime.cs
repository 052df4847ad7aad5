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
            var missing = await _docker.ForeseeWarningsAsync(ct);
            return WithGpusOf(engine, measured) with
            {
                Isolation = missing.Count == 0 ? null : string.Join(' ', missing),
                Engine = $"{engine.Product} ({engine.Platform})",
                Cpu = engine.Cpus,
                MemoryBytes = engine.MemoryBytes,
                DiskFreeBytes = FreeOn(engine.DataFolder) ?? measured.DiskFreeBytes,
            };
        }

        // Who asks for a gpu is told so at once, and not after a start that the engine refuses.
        private static NodeFacts WithGpusOf(EngineInfo engine, NodeFacts measured) =>
            engine.NoGpus is not { } why || (measured.Gpus.Count == 0 && !measured.GpusUnknown) ? measured
            : measured with { Gpus = [], GpusUnknown = false, GpuProblem = $"Its gpus cannot be given to sessions: {why}" };

        /// <returns>Null where the folder cannot be seen, as that of an engine in a virtual machine.</returns>
        private static long? FreeOn(string? folder)
        {
            try
            {
                return folder is null ? null : new DriveInfo(folder).AvailableFreeSpace;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                return null;
            }
        }

        public override void Dispose() => _docker.Dispose();
    }

    private sealed class ProcessRuntime(NodeFolder folder, TimeProvider time) : Runtime
    {
        private readonly ProcessProvider _processes = new(
            new ProcessOptions
            {
                AgentFolder = AgentOf(folder, time),
                SessionsFolder = folder.SessionsFolder,
                DataFolder = folder.Path,
                Home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
                Hidden = [folder.Path],
            },
            time);

        public override ISessionProvider Provider => _processes;

        public override string Advice => "See to that";

        public override async Task<NodeFacts> DescribeAsync(NodeFacts measured, CancellationToken ct) =>
            measured with
            {
                Engine = $"processes of {Environment.UserName}, not isolated ({await _processes.CheckAsync(ct)})",
                Isolation = $"Sessions are processes of {Environment.UserName}: they read most of what this user can read, and reach whatever listens on the machine.",
            };

        public override void Dispose() => _processes.Dispose();
    }
}
