using Berth.Cli.Output;
using Berth.Cli.Servers;

namespace Berth.Cli.Ssh;

/// <summary>What an SSH client is told for sessions (ssh_config(5)), as a file or on its command line.</summary>
internal sealed class SshOptions(Surroundings here)
{
    /// <summary>The file that the user's own settings include.</summary>
    public string File => Path.Combine(here.ConfigFolder, "ssh_config");

    /// <summary>Its text. The pattern takes in sessions that are yet to be started.</summary>
    public string Text => $"""
        # Written by `berth ssh-config`, and anew each time: what is changed here is lost.
        # A host's name stands between quotes in ProxyCommand, so those with a quote in them are none of Berth's.
        Host *{SshHost.Suffix} "!*'*"
        {string.Concat(All(null).Select(option => $"    {option.Name} {option.Value}\n"))}
        """;

    /// <summary>For one host of a context.</summary>
    public IEnumerable<string> Arguments(string context) => All(context).SelectMany(option => (string[])["-o", $"{option.Name}={option.Value}"]);

    private IEnumerable<(string Name, string Value)> All(string? context)
    {
        var files = new SshFiles(here);
        return
        [
            ("ProxyCommand", $"{Shell(BerthProgram.Path(here))} session ssh --stdio {(context is null ? "" : $"--context {Shell(context)} ")}'%h'"),
            // The server says which key a session has; nobody is asked, and no other key is taken.
            ("UserKnownHostsFile", Quoted(files.KnownHosts)),
            ("GlobalKnownHostsFile", "/dev/null"),
            ("StrictHostKeyChecking", "yes"),
            ("CheckHostIP", "no"),
            ("UpdateHostKeys", "no"),
            ("HostKeyAlgorithms", "ecdsa-sha2-nistp256"),
            ("IdentityFile", Quoted(files.Identity)),
            // Keys of an agent would be offered first, and may ask to be touched.
            ("IdentitiesOnly", "yes"),
            ("PreferredAuthentications", "publickey"),
            // A lost line comes back by itself; who gives up on it loses the login.
            ("ServerAliveInterval", "0"),
        ];
    }

    // For the client, where % stands for something.
    private static string Quoted(string path) => $"\"{Percent(path)}\"";

    // For the shell that the client starts.
    private static string Shell(string word) => ShellWord.Quoted(Percent(word));

    private static string Percent(string text) => text.Replace("%", "%%", StringComparison.Ordinal);
}
