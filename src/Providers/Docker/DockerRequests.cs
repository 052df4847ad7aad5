using System.Text.Json.Serialization;

namespace Berth.Providers.Docker;

// What is sent to and read from Docker's Engine API (docs.docker.com/reference/api/engine), of each object only the
// fields that are used. The names are the API's.

internal sealed record VersionReply(string Version, string ApiVersion, string Os, string Arch, EngineComponent[]? Components);

internal sealed record EngineComponent(string Name);

internal sealed record InfoReply(string? Name, [property: JsonPropertyName("NCPU")] int Cpus, long MemTotal, string[]? SecurityOptions, string? CgroupVersion)
{
    /// <summary>Of its images, containers and volumes.</summary>
    public string? DockerRootDir { get; init; }

    public Dictionary<string, EngineRuntimeReply>? Runtimes { get; init; }

    /// <summary>Of 28.2 and later.</summary>
    public EngineDevice[]? DiscoveredDevices { get; init; }
}

internal sealed record ErrorReply(string? Message);

internal sealed record ImageReply(string Id, string Os, string Architecture, ImageConfig? Config, string[]? RepoDigests);

internal sealed record ImageConfig(string[]? Entrypoint, string[]? Cmd, string? WorkingDir, string? User);

/// <summary>What the header X-Docker-Container-Path-Stat holds, in base64.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Mode">Of Go's os.FileMode, whose upper bits are the type (pkg.go.dev/io/fs#FileMode).</param>
/// <param name="LinkTarget">Where a link leads in the end, in the container.</param>
internal sealed record PathStat(
    [property: JsonPropertyName("size")] long Size, [property: JsonPropertyName("mode")] uint Mode, [property: JsonPropertyName("linkTarget")] string? LinkTarget)
{
    private const uint Link = 1u << 27, PipeDeviceOrSocket = (1u << 26) | (1u << 25) | (1u << 24) | (1u << 21) | (1u << 19), Folder = 1u << 31;

    public bool IsLink => (Mode & Link) != 0;

    /// <summary>To open it may take for ever, or do something.</summary>
    public bool IsSpecial => (Mode & PipeDeviceOrSocket) != 0;

    public bool IsFile => (Mode & (Link | PipeDeviceOrSocket | Folder)) == 0;
}

/// <summary>What the header X-Registry-Auth holds, in base64url.</summary>
internal sealed record RegistryAuth(
    [property: JsonPropertyName("username")] string Username,
    [property: JsonPropertyName("password")] string Password,
    [property: JsonPropertyName("serveraddress")] string ServerAddress);

/// <summary>One line of the stream that a pull answers with.</summary>
internal sealed record PullLine(string? Id, string? Status, PullCount? ProgressDetail, string? Error);

internal sealed record PullCount(long? Current, long? Total);

internal sealed record ContainerSummary(
    string Id, Dictionary<string, string>? Labels, string State, NetworkSettings? NetworkSettings);

internal sealed record NetworkSettings(Dictionary<string, NetworkEndpoint>? Networks);

internal sealed record NetworkEndpoint([property: JsonPropertyName("IPAddress")] string? IpAddress);

internal sealed record ContainerReply(string Id, ContainerState State, ContainerConfigReply Config);

internal sealed record ContainerState(string Status, int ExitCode, [property: JsonPropertyName("OOMKilled")] bool OomKilled, string? Error);

internal sealed record ContainerConfigReply(Dictionary<string, string>? Labels);

internal sealed record CreateContainer
{
    public required string Image { get; init; }
    public required string[] Entrypoint { get; init; }
    public string[] Cmd { get; init; } = [];
    public string? User { get; init; }
    public required Dictionary<string, string> Labels { get; init; }
    public string StopSignal { get; init; } = "SIGTERM";

    /// <summary>Seconds from the stop signal to KILL.</summary>
    public int StopTimeout { get; init; }

    public HealthCheck Healthcheck { get; init; } = new(["NONE"]);
    public required HostConfig HostConfig { get; init; }
}

internal sealed record HealthCheck(string[] Test);

internal sealed record HostConfig
{
    public required string NetworkMode { get; init; }
    public required List<Mount> Mounts { get; init; }
    public long NanoCpus { get; init; }
    public long Memory { get; init; }

    /// <summary>Memory and swap together: equal to <see cref="Memory"/>, there is no swap.</summary>
    public long MemorySwap { get; init; }

    public long ShmSize { get; init; }
    public int PidsLimit { get; init; }
    public List<Ulimit>? Ulimits { get; init; }
    public List<DeviceRequest>? DeviceRequests { get; init; }
    public string[] CapDrop { get; init; } = ["ALL"];
    public string[]? CapAdd { get; init; }
    public Dictionary<string, string>? Sysctls { get; init; }
    public string[] SecurityOpt { get; init; } = ["no-new-privileges"];
    public required LogConfig LogConfig { get; init; }
}

internal sealed record Mount(string Type, string Source, string Target, bool ReadOnly = false, VolumeOptions? VolumeOptions = null);

internal sealed record VolumeOptions(Dictionary<string, string> Labels);

internal sealed record Ulimit(string Name, long Soft, long Hard);

/// <summary>Devices by number (-1: all) or by id, of drivers with the capabilities (a list of alternatives).</summary>
internal sealed record DeviceRequest(string Driver, int Count, string[]? DeviceIDs, string[][] Capabilities);

internal sealed record LogConfig(string Type, Dictionary<string, string> Config);

internal sealed record VolumeRequest(string Name, Dictionary<string, string> Labels);

internal sealed record VolumeReply(string Name, string? Mountpoint, string? CreatedAt, Dictionary<string, string>? Labels);

internal sealed record VolumesReply(VolumeReply[]? Volumes);

/// <summary>What the engine's objects take on its disk; of an engine before API 1.42 all of it, asked for or not.</summary>
internal sealed record DiskReply(VolumeDisk[]? Volumes);

internal sealed record VolumeDisk(string Name, VolumeUse? UsageData);

/// <summary>Bytes; -1: not known, as of volumes of foreign drivers.</summary>
internal sealed record VolumeUse(long Size);

internal sealed record NetworkRequest(string Name, string Driver, Dictionary<string, string> Labels, Dictionary<string, string> Options)
{
    [JsonPropertyName("EnableIPv6")]
    public bool EnableIpv6 { get; init; }
    public bool CheckDuplicate { get; init; } = true;
}

internal sealed record PodmanNetworkRequest(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("driver")] string Driver,
    [property: JsonPropertyName("network_interface")] string Interface,
    [property: JsonPropertyName("labels")] Dictionary<string, string> Labels,
    [property: JsonPropertyName("options")] Dictionary<string, string> Options)
{
    [JsonPropertyName("dns_enabled")]
    public bool DnsEnabled { get; init; }
    [JsonPropertyName("ipv6_enabled")]
    public bool Ipv6Enabled { get; init; }
}

internal sealed record NetworkReply(string Id, string Name, Dictionary<string, string>? Labels);

internal sealed record EngineEvent(string? Action, EventActor? Actor);

internal sealed record EventActor(string? Id, Dictionary<string, string>? Attributes);

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VersionReply))]
[JsonSerializable(typeof(InfoReply))]
[JsonSerializable(typeof(ErrorReply))]
[JsonSerializable(typeof(ImageReply))]
[JsonSerializable(typeof(RegistryAuth))]
[JsonSerializable(typeof(PathStat))]
[JsonSerializable(typeof(ImagePin))]
[JsonSerializable(typeof(PullLine))]
[JsonSerializable(typeof(ContainerSummary[]))]
[JsonSerializable(typeof(ContainerReply))]
[JsonSerializable(typeof(CreateContainer))]
[JsonSerializable(typeof(VolumeRequest))]
[JsonSerializable(typeof(VolumeReply))]
[JsonSerializable(typeof(NetworkRequest))]
[JsonSerializable(typeof(PodmanNetworkRequest))]
[JsonSerializable(typeof(NetworkReply))]
[JsonSerializable(typeof(DiskReply))]
[JsonSerializable(typeof(VolumesReply))]
[JsonSerializable(typeof(EngineEvent))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class DockerJson : JsonSerializerContext;
