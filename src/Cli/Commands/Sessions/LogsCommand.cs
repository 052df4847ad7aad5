using System.Text;
using Berth.Cli.Settings;
using Berth.Contracts.Sessions;

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
        // A file gets what was written; a terminal gets nothing that could act on it.
        var text = call.Here.OutIsTerminal ? new LogText(forTerminal: true) : null;
        var decoder = Encoding.UTF8.GetDecoder();
        var buffer = new byte[8192];
        var chars = new char[Encoding.UTF8.GetMaxCharCount(buffer.Length)];
        var isEmpty = true;
        try
        {
            int count;
            while ((count = await log.ReadAsync(buffer, ct)) > 0)
            {
                isEmpty = false;
                if (text is not null)
                    await call.Here.Out.WriteAsync(text.Add(buffer.AsSpan(0, count)));
                else
                    await call.Here.Out.WriteAsync(chars.AsMemory(0, decoder.GetChars(buffer.AsSpan(0, count), chars, flush: false)), ct);
                await call.Here.Out.FlushAsync(ct);
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException && !ct.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.Error, $"The connection to the server was cut. Go on with `berth session logs -f {session.Name}`.");
        }
        if (isEmpty)
            call.Report.Line($"Session '{session.Name}' has written nothing.");
        return ExitCodes.Ok;
    }
}
