using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Cli.Ssh;

namespace Berth.Cli.Commands;

internal sealed class SshConfigCommand : Verb
{
    private readonly Flag<bool> _dryRun = Flags.Switch("--dry-run", "Print what would be written, and write nothing");

    public SshConfigCommand(Surroundings here)
        : base(here, "ssh-config", "Let ssh, scp, rsync, VS Code and JetBrains reach sessions as NAME.berth")
    {
        Add(_dryRun);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("ssh-config", "Once: then `ssh notebook.berth`, and `scp data.csv notebook.berth:`"),
        new("ssh-config --dry-run", "Which files would be written, and what"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var (options, user) = (new SshOptions(call.Here), new UserSshConfig(call.Here));
        var isIncluded = user.Includes(options.File);
        if (call.Get(_dryRun))
        {
            call.Report.Line(isIncluded ? $"{user.File} stays as it is." : $"{user.File} would begin with:");
            if (!isIncluded)
                call.Here.Out.WriteLine(UserSshConfig.Line(options.File) + "\n");
            call.Report.Line($"{options.File} would be:");
            call.Here.Out.Write(options.Text);
            return ExitCodes.Ok;
        }
        await new SshFiles(call.Here).EnsureIdentityAsync(ct);
        PrivateFile.Write(options.File, options.Text);
        if (!isIncluded)
            user.Include(options.File);
        call.Report.Line(isIncluded ? $"{options.File} is written; {user.File} includes it already." : $"{options.File} is written, and {user.File} includes it.");
        call.Report.Line("Reach a session with `ssh NAME.berth`; its name is in `berth session list`.");
        return ExitCodes.Ok;
    }
}
