using System.Diagnostics;

namespace Berth.Cli.Commands.Nodes;

/// <summary>
/// A node as a service of systemd: the system's for root, otherwise the user's own. Where there is no systemd, its unit is
/// printed for whoever installs it elsewhere.
/// </summary>
internal sealed class NodeService(Call call, string program, string folder)
{
    private const string Name = "berth-node.service";
    private const int DoesNotKnowUs = 77;
    private static readonly string[] s_kept = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "DOCKER_HOST"];

    /// <summary>The unit file.</summary>
    public string Unit()
    {
        var proxies = s_kept
            .Where(name => call.Here.Variable(name) is not null).Select(name => $"Environment={Quoted($"{name}={call.Here.Variable(name)}")}\n");
        return $"""
            [Unit]
            Description=Berth node: runs sessions of a Berth server
            Wants=network-online.target
            After=network-online.target docker.service podman.socket

            [Service]
            ExecStart={Quoted(program)} --data {Quoted(folder)}
            {string.Concat(proxies)}Restart=always
            RestartSec=5
            # The server has removed this machine: to start again would change nothing.
            RestartPreventExitStatus={DoesNotKnowUs}
            # Sessions are the engine's, not this service's: they go on when it stops.
            KillMode=process

            [Install]
            WantedBy={(Environment.IsPrivilegedProcess ? "multi-user" : "default")}.target

            """;
    }

    public async Task<int> InstallAsync(CancellationToken ct)
    {
        // sd_booted(3)
        if (!Directory.Exists("/run/systemd/system"))
        {
            call.Here.Out.Write(Unit());
            call.Report.Line($"There is no systemd here: this is the unit for one, or run `{program} --data {folder}` by whatever starts services on this machine.");
            return ExitCodes.Ok;
        }

        string[] whose = Environment.IsPrivilegedProcess ? [] : ["--user"];
        var path = Environment.IsPrivilegedProcess ? Path.Combine("/etc/systemd/system", Name) : Path.Combine(Path.GetDirectoryName(call.Here.ConfigFolder)!, "systemd/user", Name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, Unit(), ct);
        foreach (string[] step in (string[][])[["daemon-reload"], ["enable", "--now", Name]])
        {
            using var systemctl = Process.Start("systemctl", [.. whose, .. step]);
            await systemctl.WaitForExitAsync(ct);
            if (systemctl.ExitCode != 0)
                throw new CliException(ExitCodes.Error, $"{path} is written, but `systemctl {string.Join(' ', [.. whose, .. step])}` failed (see above). This machine has joined: try that again, or `berth node run`.");
        }

        call.Report.Line($"{path} is installed and runs. See it with `systemctl {string.Concat(whose.Select(w => w + " "))}status {Name}`."
            + (whose.Length == 0 ? "" : " So that it also runs while you are not signed in: `loginctl enable-linger`."));
        return ExitCodes.Ok;
    }

    // systemd.service(5): quotes hold words together, % and $ stand for something.
    private static string Quoted(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("%", "%%").Replace("$", "$$")}\"";
}
