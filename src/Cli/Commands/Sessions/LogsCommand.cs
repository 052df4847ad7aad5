using System.Text;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Sessions;

internal sealed class LogsCommand : SessionVerb
{
    private readonly Flag<bool> _follow = Flags.Switch("--follow", "Stay, and print what comes", "-f");
    private readonly Flag<int?> _lines = Flags.Whole("--lines", "At most so many of the last lines", "N", 1, 1_000_000, "-n");

    public LogsCommand(Surroundings here)
        : base(here, "logs", "Print what a session wrote")
    {
        Add(_follow);
        Add(_lines);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session logs notebook", "The end of its log"),
        new("session logs -f", "Follow the log of your only session; Ctrl-C ends that, not the session"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct, ended: true);
        await using var log = await server.Client.ReadLogAsync(session.Id, call.Get(_lines), call.Get(_follow), ct);
        using var reader = new StreamReader(log, Encoding.UTF8);
        var buffer = new char[8192];
        try
        {
            int count;
            while ((count = await reader.ReadAsync(buffer, ct)) > 0)
            {
                await call.Here.Out.WriteAsync(buffer.AsMemory(0, count), ct);
                await call.Here.Out.FlushAsync(ct);
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException && !ct.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.Error, $"The connection to the server was cut. Go on with `berth session logs -f {session.Name}`.");
        }
        return ExitCodes.Ok;
    }
}
