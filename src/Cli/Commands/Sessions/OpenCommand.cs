using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Cli.Ssh;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

internal sealed class OpenCommand : SessionVerb
{
    private readonly Flag<bool> _print = Flags.Switch("--print", "Print the link instead of opening a browser");

    private readonly Flag<int?> _port = Flags.Whole("--port", "Another port of the session, instead of the front end's", "PORT", 1, 65535);

    private readonly Flag<bool> _ssh = Flags.Switch("--ssh", "Log in by SSH instead, as `berth session ssh` does");

    private readonly Flag<bool> _vscode = Flags.Switch("--vscode", "Open it in VS Code on this machine, by SSH; needs `berth ssh-config` once");

    public OpenCommand(Surroundings here)
        : base(here, "open", "Open a session in the browser, or print its link where there is none")
    {
        Add(_print);
        Add(_port);
        Add(_ssh);
        Add(_vscode);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session open notebook", "Open it; a session that is still starting shows its stages there"),
        new("session open notebook --port 8501", "An app that listens there inside; it may be on localhost alone"),
        new("session open --print", "The link of your only session"),
        new("session open notebook --vscode", "In VS Code on this machine"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        if (call.Get(_ssh))
            await SshCommand.BecomeClientAsync(call, server, session, ct);
        if (call.Get(_vscode))
            BecomeCode(call, server, session);
        if (session.Berth.Status is "paused" or "failed")
            call.Report.Warning($"Session '{session.Name}' is not running: {session.Berth.Sentence ?? session.Berth.Status + "."} "
                + (session.Berth.NextStep ?? $"Resume it with `berth session resume {session.Name}`."));
        var port = call.Get(_port);
        var link = await SessionLink.ForAsync(server, session, ct, port);
        if (call.Get(_print) || !call.Here.OpenBrowser(link))
            call.Here.Out.WriteLine(link);
        else
            call.Report.Line(port is null ? $"Opened {session.Url}" : $"Opened port {port} of {session.Name}");
        return ExitCodes.Ok;
    }

    private static void BecomeCode(Call call, Server server, SessionView session)
    {
        if (!new UserSshConfig(call.Here).Includes(new SshOptions(call.Here).File))
            throw new CliException(ExitCodes.Error, "VS Code reaches sessions by your SSH settings, which do not know of them yet. Run `berth ssh-config` once, then this again.");
        string[] arguments = ["--remote", $"ssh-remote+{SshHost.Of(session.Name, server.Context)}"];
        var code = call.Here.FindProgram("code")
            ?? throw new CliException(ExitCodes.Error, $"There is no `code` on PATH. Where VS Code is: `code {string.Join(' ', arguments)}`.");
        ServerProgram.Become(code, call.Here.Variables, arguments);
    }
}
