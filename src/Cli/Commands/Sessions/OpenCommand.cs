using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Sessions;

internal sealed class OpenCommand : SessionVerb
{
    private readonly Flag<bool> _print = Flags.Switch("--print", "Print the link instead of opening a browser");

    private readonly Flag<int?> _port = Flags.Whole("--port", "Another port of the session, instead of the front end's", "PORT", 1, 65535);

    public OpenCommand(Surroundings here)
        : base(here, "open", "Open a session in the browser, or print its link where there is none")
    {
        Add(_print);
        Add(_port);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session open notebook", "Open it; a session that is still starting shows its stages there"),
        new("session open notebook --port 8501", "An app that listens there inside; it may be on localhost alone"),
        new("session open --print", "The link of your only session"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        if (session.Berth.Status is "paused" or "failed")
            call.Report.Warning($"Session '{session.Name}' is not running: {session.Berth.Sentence ?? session.Berth.Status + "."} "
                + $"Resume it with `berth session resume {session.Name}`.");
        var port = call.Get(_port);
        var link = await SessionLink.ForAsync(server, session, ct, port);
        if (call.Get(_print) || !call.Here.OpenBrowser(link))
            call.Here.Out.WriteLine(link);
        else
            call.Report.Line(port is null ? $"Opened {session.Url}" : $"Opened port {port} of {session.Name}");
        return ExitCodes.Ok;
    }
}
