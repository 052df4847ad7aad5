namespace Berth.Providers.Processes;

/// <summary>What processes of this machine need to be sessions.</summary>
public sealed record ProcessOptions
{
    /// <summary>Folder with the agent's bundle.</summary>
    public required string AgentFolder { get; init; }

    /// <summary>One folder a session: order, token and socket of its agent.</summary>
    public required string SessionsFolder { get; init; }

    /// <summary>Workspaces, and what is known of each start.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Home folder of whoever runs the sessions: they see of it what is no place of secrets. Null: there is none.</summary>
    public string? Home { get; init; }

    /// <summary>Folders and files that sessions must not see besides.</summary>
    public IReadOnlyList<string> Hidden { get; init; } = [];

    /// <summary>Folders in which engines of this machine mount what they run: sessions do not see them.</summary>
    public IReadOnlyList<string> Engines { get; init; } =
    [
        "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/incus", "/var/lib/k0s", "/var/lib/kubelet", "/var/lib/lxd", "/var/lib/rancher",
        "/var/snap/docker", "/var/snap/microk8s",
    ];

    /// <summary>How many processes and threads a session may have.</summary>
    public int MostProcesses { get; init; } = 4096;

    /// <summary>A program's name on <c>PATH</c>, or its path.</summary>
    public string Bubblewrap { get; init; } = "bwrap";

    /// <summary>A program's name on <c>PATH</c>, or its path.</summary>
    public string SystemdRun { get; init; } = "systemd-run";

    /// <summary>File that tells the control groups of this program (cgroups(7)).</summary>
    public string ControlGroups { get; init; } = "/proc/self/cgroup";
}
