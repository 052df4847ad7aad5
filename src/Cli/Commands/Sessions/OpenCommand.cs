using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Sessions;

internal sealed class OpenCommand : SessionVerb
{
    private readonly Flag<bool> _print = Flags.Switch("--print", "Print the link instead of opening a browser");

    public OpenCommand(Surroundings here)
        : base(here, "open", "Open a session in the browser, or print its link where there is none")
    {
        Add(_print);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session open notebook", "Open it; a session that is still starting shows its stages there"),
        new("session open --print", "The link of your only session"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        if (session.Berth.Status is "paused" or "failed")
            call.Report.Warning($"Session '{session.Name}' is not running: {session.Berth.Sentence ?? session.Berth.Status + "."} "
                + $"Resume it with `berth session resume {session.Name}`.");
        var link = await SessionLink.ForAsync(server, session, ct);
        if (call.Get(_print) || !call.Here.OpenBrowser(link))
            call.Here.Out.WriteLine(link);
        else
            call.Report.Line($"Opened {session.Url}");
        return ExitCodes.Ok;
    }
}
