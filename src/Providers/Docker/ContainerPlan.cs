using Berth.Core.Agents;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.SessionFolders;

namespace Berth.Providers.Docker;

/// <summary>Decides, without asking anybody, what container a start order becomes.</summary>
internal sealed class ContainerPlan(DockerOptions options, DockerLabels labels, SessionFolder folder)
{
    private const long LeastSharedMemory = 64L << 20;

    // Root without any capability cannot read another's files or change to another user, which images that begin as root
    // are made to do. These are what they need for it, and the least of Docker's usual set: no raw sockets, no device
    // files, no chroot, no capabilities for files. A session with an ordinary user has none at all.
    private static readonly string[] OfRoot = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"];

    // A network without IPv6 still has link-local addresses in Podman, and the rules that shut sessions off are IPv4's.
    private static readonly Dictionary<string, string> WithoutIpv6 = new() { ["net.ipv6.conf.eth0.disable_ipv6"] = "1" };

    /// <summary>Refuses what cannot run here, before anything is made.</summary>
    /// <exception cref="ProviderException">It cannot.</exception>
    public void Check(SessionSpec spec, ImageReply image, EngineInfo engine)
    {
        if (!Runs($"{image.Os}/{image.Architecture}", engine.Platform))
            throw new ProviderException(Reason.WrongPlatform, $"{spec.Image} is for {image.Os}/{image.Architecture}, and {engine.Name} is {engine.Platform}.");
        if (engine.IsPodman && spec.Resources.Gpu.Wanted)
            throw new ProviderException(Reason.NoGpu, $"{engine.Name} runs {engine.Product}, which gives no gpus through Docker's API: it would start the session without one.");
        if (spec.HostFolder is { } host && !Directory.Exists(host.Path)) // Podman would make it
            throw new ProviderException(Reason.Refused, $"the folder {host.Path} is not there any more.");
        if (MountedOf(spec).FirstOrDefault(IsBehindLink) is { } swapped) // the engine would follow it, as root
            throw new ProviderException(Reason.Refused, $"the folder {swapped} is now behind a link: start anew from the folder that you mean.");
        if (spec.Resources.Cpu > engine.Cpus)
            throw new ProviderException(Reason.NoCapacity, $"{spec.Resources.Cpu:0.##} cores, and {engine.Name} has {engine.Cpus}.");
        if (spec.Resources.MemoryBytes > engine.MemoryBytes)
            throw new ProviderException(Reason.NoCapacity, $"{Gib(spec.Resources.MemoryBytes)} of memory, and {engine.Name} has {Gib(engine.MemoryBytes)}.");
        if (!options.AllowRoot && ImageUser.IsRoot(UserOf(spec, image)))
            throw new ProviderException(Reason.Refused, $"{spec.Image} would run as root, which is forbidden here; choose an environment with a user id of its own.");
        if (Command(spec, image.Config).Length == 0)
            throw new ProviderException(Reason.CommandNotFound, $"{spec.Image} has neither ENTRYPOINT nor CMD, and the environment names no command.");
        if (!File.Exists(Path.Combine(options.AgentFolder, Path.GetFileName(AgentFiles.Program))))
            throw new ProviderException(Reason.Refused, $"Berth's own agent is missing in {options.AgentFolder}; install Berth again.");
    }

    /// <summary>The agent's order with what only the image knows.</summary>
    public static AgentOrder Complete(AgentOrder order, SessionSpec spec, ImageReply image) => order with
    {
        Command = Command(spec, image.Config),
        WorkingDirectory = spec.WorkingDirectory
            ?? (image.Config?.WorkingDir is { Length: > 0 } directory and not "/" ? directory : spec.MountDirectory),
    };

    /// <summary>In the engine's spelling; empty: root.</summary>
    public static string? UserOf(SessionSpec spec, ImageReply image) => ImageUser.Of(spec, image.Config?.User) ?? image.Config?.User;

    public CreateContainer Create(StartOrder order, ImageReply image, EngineInfo engine, string network)
    {
        var (key, spec) = (order.Key, order.Spec);
        var memory = spec.Resources.MemoryBytes;
        var workspace = spec.HostFolder is { } host
            ? new Mount("bind", host.Path, spec.MountDirectory)
            : new Mount("volume", order.WorkspaceName, spec.MountDirectory, VolumeOptions: new VolumeOptions(labels.OfWorkspace(order.Workspace, order.Labels)));
        return new CreateContainer
        {
            Image = image.Id, // the very image that was looked at, wherever its tag moves meanwhile
            Entrypoint = [AgentFiles.Program, "session"],
            User = ImageUser.Of(spec, image.Config?.User),
            Labels = labels.OfContainer(key, order.Labels),
            StopTimeout = order.Agent.GraceSeconds + 5, // the agent's own grace for its children ends first
            HostConfig = new HostConfig
            {
                NetworkMode = network,
                Mounts =
                [
                    new Mount("bind", options.AgentFolder, AgentFiles.ProgramFolder, ReadOnly: true),
                    new Mount("bind", folder.PathOf(key.SessionId), AgentFiles.SessionFolder, ReadOnly: true),
                    workspace,
                    .. spec.Repositories.Where(r => r.IsLocal && Directory.Exists(r.Url)).DistinctBy(r => r.Directory)
                        .Select(r => new Mount("bind", r.Url, r.MountedAt, ReadOnly: true)),
                ],
                NanoCpus = (long)(spec.Resources.Cpu * 1e9),
                Memory = memory,
                MemorySwap = memory,
                ShmSize = Math.Max(memory / 4, LeastSharedMemory),
                PidsLimit = options.Processes,
                Ulimits = Ulimits(engine),
                DeviceRequests = Gpus(spec.Resources.Gpu),
                Sysctls = engine.IsPodman ? WithoutIpv6 : null,
                CapAdd = ImageUser.IsRoot(UserOf(spec, image)) ? OfRoot : null,
                LogConfig = new LogConfig("json-file", new Dictionary<string, string> { ["max-size"] = "10m", ["max-file"] = "2" }),
            },
        };
    }

    /// <summary>As the engine itself joins them: whoever replaces ENTRYPOINT replaces CMD, too.</summary>
    private static string[] Command(SessionSpec spec, ImageConfig? image) =>
        spec.Command is { } command
            ? [.. command, .. spec.Args ?? []]
            : [.. image?.Entrypoint ?? [], .. spec.Args ?? image?.Cmd ?? []];

    private List<Ulimit>? Ulimits(EngineInfo engine)
    {
        if (engine.Limits is not { } most)
            return null;
        var files = Math.Min(most.OpenFiles, options.OpenFiles);
        var limits = new List<Ulimit> { new("nofile", files, files) };
        if (engine.IsPodman) // the engine's own: PidsLimit is what holds a session; Docker passes its own on by itself
            limits.Add(new Ulimit("nproc", most.Processes, most.Processes));
        return limits;
    }

    private static List<DeviceRequest>? Gpus(GpuRequest gpu) =>
        !gpu.Wanted ? null
        : gpu.Ids.Count > 0 ? [new DeviceRequest("", 0, [.. gpu.Ids], [["gpu"]])]
        : [new DeviceRequest("", gpu.Count, null, [["gpu"]])];

    /// <summary>A 64-bit x86 runs 32-bit programs as they are. What only an emulator could run is refused.</summary>
    public static bool Runs(string image, string engine) => image == engine || (image, engine) is ("linux/386", "linux/amd64");

    /// <summary>Folders of the machine that others than Berth may change.</summary>
    private static IEnumerable<string> MountedOf(SessionSpec spec) =>
        spec.Repositories.Where(r => r.IsLocal).Select(r => r.Url).Concat(spec.HostFolder is { } folder ? [folder.Path] : []);

    private static bool IsBehindLink(string path)
    {
        for (var folder = new DirectoryInfo(path); folder is not null; folder = folder.Parent)
        {
            if (folder.LinkTarget is not null)
                return true;
        }

        return false;
    }

    private static string Gib(long bytes) => $"{bytes / (double)(1L << 30):0.#} GiB";
}
