using System.Diagnostics;

namespace Berth.EndToEnd.Tests.House;

/// <summary>OpenSSH's programs with the settings that <c>berth ssh-config</c> wrote, in a home folder of the tests.</summary>
internal sealed class SshClient(IReadOnlyDictionary<string, string?> variables)
{
    // ssh takes its home folder from the system, whatever HOME says.
    private readonly string _config = Path.Combine(
        variables.GetValueOrDefault("XDG_CONFIG_HOME") ?? Path.Combine(variables["HOME"]!, ".config"), "berth/ssh_config");

    public string KnownHosts { get; } = Path.Combine(variables["HOME"]!, ".local/state/berth/ssh/known_hosts");

    public static async Task<SshClient> MakeAsync(IReadOnlyDictionary<string, string?> variables)
    {
        var made = await Ran.ToEndAsync(Published.Command, ["ssh-config"], variables);
        Assert.True(made.Code == 0, made.Error);
        return new SshClient(variables);
    }

    public Task<Ran> SshAsync(params string[] arguments) => RunAsync("ssh", arguments);

    public Task<Ran> RunAsync(string program, params string[] arguments) => Ran.ToEndAsync(program, ["-F", _config, .. arguments], variables);

    /// <param name="there">The command that is rsync in the session.</param>
    /// <param name="arguments">What to copy, and how.</param>
    public Task<Ran> RsyncAsync(string there, params string[] arguments) =>
        Ran.ToEndAsync("rsync", [$"--rsh=ssh -F '{_config}'", $"--rsync-path={there}", .. arguments], variables);

    public Process Start(string program, params string[] arguments) => Ran.Start(program, ["-F", _config, .. arguments], variables, null, closeInput: false);

    /// <summary>With nothing but the way and the host key from Berth: which key logs in is the test's affair.</summary>
    public Task<Ran> WithKeyAsync(string key, string host, params string[] arguments) => OnlyAsync(["-o", "IdentitiesOnly=yes", "-i", key], host, arguments);

    /// <summary>The same, with the keys that an SSH agent holds and no others.</summary>
    public Task<Ran> WithAgentAsync(string socket, string host, params string[] arguments) =>
        OnlyAsync(["-o", $"IdentityAgent={socket}", "-o", "IdentityFile=none", "-o", "BatchMode=yes"], host, arguments);

    private Task<Ran> OnlyAsync(string[] keys, string host, string[] arguments) => Ran.ToEndAsync("ssh",
    [
        "-F", "none", "-o", $"ProxyCommand='{Published.Command}' session ssh --stdio '%h'", "-o", $"UserKnownHostsFile={KnownHosts}",
        "-o", "StrictHostKeyChecking=yes", .. keys, host, .. arguments,
    ], variables);
}
