using Berth.Contracts.Nodes;

namespace Berth.Cli.Commands.Nodes;

/// <summary>The text of a node's unit of systemd, and of the file of variables that it is given.</summary>
/// <param name="Program">The node's program.</param>
/// <param name="Folder">The node's data folder.</param>
/// <param name="Processes">Whether sessions are processes of the service, not containers of an engine.</param>
/// <param name="OfSystem">The system's unit, run by root; otherwise a user's own.</param>
internal sealed record NodeUnit(string Program, string Folder, bool Processes, bool OfSystem)
{
    private const int DoesNotKnowUs = 77;

    // A service gets nothing of the environment that it was installed in.
    private static readonly string[] s_kept =
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_HOST", NodeFiles.AgentFolder];

    // Sessions that are processes run what the user's shell finds.
    private static readonly string[] s_keptForProcesses =
        ["PATH", "LANG", "LC_ALL", "TZ", "CONDA_EXE", "CONDA_PREFIX", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "CUDA_HOME"];

    /// <summary>Named after the folder, so that a machine can be a node of several servers.</summary>
    public string Name
    {
        get
        {
            var folder = Path.GetFileName(Folder.TrimEnd('/'));
            return folder == "berth-node" ? "berth-node.service"
                : $"berth-node-{string.Concat(folder.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' ? c : '-'))}.service";
        }
    }

    /// <summary>File of variables: proxies have passwords, and everybody can read units.</summary>
    public string VariablesFile => Path.Combine(Folder, "service.env");

    /// <summary>How the line ends that starts the node: by that its units are known.</summary>
    public string End => $" --data {Quoted(Folder)}";

    public string Text => $"""
        [Unit]
        Description=Berth node: runs sessions of a Berth server
        {(OfSystem ? "Wants=network-online.target\nAfter=network-online.target docker.service podman.socket" : "After=docker.service podman.socket")}

        [Service]
        Type=exec
        ExecStart={Quoted(Program)}{End}
        EnvironmentFile=-{VariablesFile.Replace("%", "%%", StringComparison.Ordinal)}
        Restart=always
        RestartSec=5
        # The server has removed this machine: to start again would change nothing.
        RestartPreventExitStatus={DoesNotKnowUs}
        # Sessions go on when it stops, and when one of them takes too much memory.
        KillMode=process
        OOMPolicy=continue
        {(OfSystem && !Processes ? Hardening : "")}
        [Install]
        WantedBy={(OfSystem ? "multi-user" : "default")}.target

        """;

    // What the node of root does: speak to engine and server, own workspaces, set the firewall, ask nvidia-smi, which may
    // load the driver. A user's own may do no more than its user anyway.
    private const string Hardening = """

        NoNewPrivileges=yes
        CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_ADMIN CAP_NET_RAW CAP_MKNOD CAP_SYS_MODULE
        ProtectSystem=full
        ProtectControlGroups=yes
        ProtectKernelTunables=yes
        ProtectKernelLogs=yes
        ProtectClock=yes
        ProtectHostname=yes
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        LockPersonality=yes
        SystemCallArchitectures=native
        SystemCallFilter=@system-service @module
        SystemCallErrorNumber=EPERM

        """;

    /// <summary>The variables that it keeps, of those given.</summary>
    public string Variables(Func<string, string?> variable) => string.Concat(
        s_kept.Concat(Processes ? s_keptForProcesses : [])
            .Select(name => (Name: name, Value: variable(name)))
            .Where(kept => kept.Value is not null)
            .Select(kept => $"{kept.Name}=\"{Escaped(kept.Value!, "\\\"`$")}\"\n"));

    // systemd.service(5): quotes hold words together, % and $ stand for something.
    private static string Quoted(string text) =>
        $"\"{Escaped(text, "\\\"").Replace("%", "%%", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal)}\"";

    private static string Escaped(string text, string special) => string.Concat(text.Select(c => special.Contains(c) ? $"\\{c}" : $"{c}"));
}
