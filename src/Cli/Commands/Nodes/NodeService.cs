using System.Diagnostics;
using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Nodes;

/// <summary>
/// A node as a service of systemd: the system's for root, otherwise the user's own. Where there is no systemd, its unit is
/// printed for whoever installs it elsewhere.
/// </summary>
internal sealed class NodeService(Call call, string program, string folder, bool processes)
{
    // sd_booted(3)
    private static readonly bool s_booted = Directory.Exists("/run/systemd/system");
    private readonly NodeUnit _unit = new(Lasting(program), folder, processes, Environment.IsPrivilegedProcess);

    private string UnitFile => Path.Combine(
        _unit.OfSystem ? "/etc/systemd/system" : Path.Combine(Path.GetDirectoryName(call.Here.ConfigFolder)!, "systemd/user"), _unit.Name);

    /// <exception cref="CliException">Its name is another node's.</exception>
    public void RequireFree()
    {
        if (s_booted && File.Exists(UnitFile) && !File.ReadLines(UnitFile).Any(line => line.EndsWith(_unit.End, StringComparison.Ordinal)))
            throw new CliException(ExitCodes.Conflict, $"{UnitFile} is the service of another node: give this one a data folder of another name (--data).");
    }

    public async Task<int> InstallAsync(CancellationToken ct)
    {
        PrivateFile.Write(_unit.VariablesFile, _unit.Variables(call.Here.Variable));
        if (!s_booted)
        {
            call.Here.Out.Write(_unit.Text);
            call.Report.Line($"There is no systemd here: this is the unit for one, or run `{program} --data {folder}` by whatever starts services on this machine.");
            return ExitCodes.Ok;
        }

        string[] whose = _unit.OfSystem ? [] : ["--user"];
        Directory.CreateDirectory(Path.GetDirectoryName(UnitFile)!);
        await File.WriteAllTextAsync(UnitFile, _unit.Text, ct);
        foreach (string[] step in (string[][])[["daemon-reload"], ["--quiet", "enable", _unit.Name], ["restart", _unit.Name]])
        {
            using var systemctl = Process.Start("systemctl", [.. whose, .. step]);
            await systemctl.WaitForExitAsync(ct);
            if (systemctl.ExitCode != 0)
                throw new CliException(ExitCodes.Error, $"{UnitFile} is written, but `systemctl {string.Join(' ', [.. whose, .. step])}` failed (see above). This machine has joined: try that again, or `berth node run`.");
        }

        call.Report.Line($"{UnitFile} is installed and runs. See it with `systemctl {string.Concat(whose.Select(w => w + " "))}status {_unit.Name}`.");
        if (!_unit.OfSystem && !File.Exists($"/var/lib/systemd/linger/{Environment.UserName}"))
            call.Report.Line("It stops when you sign out, and starts when you sign in. So that it always runs: `loginctl enable-linger`.");
        return ExitCodes.Ok;
    }

    /// <summary>A version's folder may be behind a link, which the next version takes over and the service then goes by.</summary>
    private static string Lasting(string program)
    {
        var home = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        var link = home.Parent?.EnumerateDirectories().FirstOrDefault(d => d.LinkTarget is not null && d.ResolveLinkTarget(returnFinalTarget: true)?.FullName == home.FullName);
        return link is not null && program.StartsWith(home.FullName + "/", StringComparison.Ordinal) ? link.FullName + program[home.FullName.Length..] : program;
    }
}
