using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>
/// The one network of this installation's sessions: a bridge whose containers cannot reach one another. Not a network each,
/// for engines run out of addresses at about thirty networks.
/// </summary>
internal sealed class SessionNetwork(DockerLabels labels, TimeProvider time) : IDisposable
{
    private const int MostTries = 5;
    private const string BridgeFilter = "/proc/sys/net/bridge/bridge-nf-call-iptables";

    // Rules last until somebody else reloads the firewall, which nothing announces.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);
    private readonly Firewall firewall = new(labels.Bridge);
    private readonly SemaphoreSlim looking = new(1);
    private long? lastLook;

    /// <summary>Its name, for containers.</summary>
    public string Name => labels.Bridge;

    /// <summary>What keeps sessions from being shut off as they should be; empty where all is well, or before the first start.</summary>
    public IReadOnlyList<string> Warnings { get; private set; } = [];

    /// <summary>What will, as far as it can be told before the first start; from then on, what does.</summary>
    public async Task<IReadOnlyList<string>> ForeseeAsync(DockerClient client, CancellationToken ct) =>
        lastLook is null ? await LookAsync(client.Info, podman => Task.FromResult(firewall.CannotSet(podman)), ct) : Warnings;

    public async Task EnsureAsync(DockerClient client, CancellationToken ct) =>
        await Task.WhenAll(EnsureBridgeAsync(client, ct), EnsureFirewallAsync(client, ct));

    /// <summary>Null where it has none (any more), or none that can be reached from the machine: there it may be another's.</summary>
    public string? AddressOf(EngineInfo engine, ContainerSummary container) =>
        !engine.IsRootless && container.NetworkSettings?.Networks?.GetValueOrDefault(Name)?.IpAddress is { Length: > 0 } address ? address : null;

    /// <summary>Gives back the network and the rules of an installation that is no more. No container may be on it.</summary>
    public async Task RemoveAsync(DockerClient client, CancellationToken ct)
    {
        await client.RemoveNetworkAsync(Name, ct);
        await firewall.RemoveAsync(client.Info.IsPodman, ct);
    }

    public void Dispose() => looking.Dispose();

    private async Task EnsureBridgeAsync(DockerClient client, CancellationToken ct)
    {
        var network = await client.InspectNetworkAsync(Name, ct);
        if (network is null)
        {
            ProviderException? refusal = null;
            try
            {
                await CreateAsync(client, ct);
            }
            catch (ProviderException e) when (e.Reason != Reason.EngineUnreachable)
            {
                refusal = e; // most likely, another start was faster
            }

            network = await client.InspectNetworkAsync(Name, ct)
                ?? throw refusal ?? new ProviderException(Reason.Refused, $"the network {Name} was made and is not there.");
        }

        if (!labels.AreOurs(network.Labels))
            throw new ProviderException(Reason.Refused, $"there is a network {Name} that is not this installation's; remove it.");
    }

    private async Task CreateAsync(DockerClient client, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await CreateOnceAsync(client, ct);
                return;
            }
            // Podman looks at the machine's interfaces one by one, and fails over one that went meanwhile: another container's.
            catch (ProviderException e) when (attempt < MostTries && e.Message.Contains("no such network interface", StringComparison.Ordinal))
            {
            }
        }
    }

    private Task CreateOnceAsync(DockerClient client, CancellationToken ct) => client.Info.IsPodman
        ? client.CreateNetworkAsync(
            new PodmanNetworkRequest(Name, "bridge", labels.Bridge, labels.OfInstallation(), new Dictionary<string, string> { ["isolate"] = "true" }), ct)
        : client.CreateNetworkAsync(
            new NetworkRequest(Name, "bridge", labels.OfInstallation(), new Dictionary<string, string>
            {
                ["com.docker.network.bridge.name"] = labels.Bridge,
                ["com.docker.network.bridge.enable_icc"] = "false",
            }),
            ct);

    /// <summary>Sets the firewall's rules again where they are gone, while sessions run.</summary>
    public Task KeepAsync(DockerClient client, CancellationToken ct) => EnsureFirewallAsync(client, ct);

    private async Task EnsureFirewallAsync(DockerClient client, CancellationToken ct)
    {
        await looking.WaitAsync(ct);
        try
        {
            if (lastLook is { } last && time.GetElapsedTime(last) < LookAgain)
                return;
            Warnings = await LookAsync(client.Info, podman => firewall.EnsureAsync(podman, ct), ct);
            lastLook = time.GetTimestamp();
        }
        finally
        {
            looking.Release();
        }
    }

    private static async Task<IReadOnlyList<string>> LookAsync(EngineInfo engine, Func<bool, Task<string?>> firewall, CancellationToken ct)
    {
        var warnings = new List<string>();
        if (engine.IsRootless)
            warnings.Add($"Sessions can reach {(engine.IsPodman ? "one another and " : "")}services of this machine: the engine runs without root, where Berth sets no firewall. Let nobody start sessions here whom you would not let run programs of their own.");
        else if (!engine.SameUserIds)
            warnings.Add("Sessions may reach services of the engine's machine: the engine runs elsewhere or with user namespaces, where Berth sets no firewall.");
        else if (await firewall(engine.IsPodman) is { } warning)
            warnings.Add(warning);
        if (engine.SameUserIds && !(File.Exists(BridgeFilter) && (await File.ReadAllTextAsync(BridgeFilter, ct)).Trim() == "1"))
            warnings.Add("Sessions can reach one another: the kernel does not filter bridges. Type as root: modprobe br_netfilter");
        if (engine.IgnoresLimits)
            warnings.Add("Sessions are not limited in processor, memory and processes: an engine without root cannot do it with control groups of the first version, as this machine has them.");
        return warnings;
    }
}
