using System.CommandLine;
using Berth.Cli.Output;
using Berth.Cli.Reach;

namespace Berth.Cli.Commands.Sessions;

internal sealed class CopyCommand : SessionVerb
{
    private readonly Argument<string[]> _paths = new("paths")
    {
        Description = "What is copied, and last where to. NAME:path is in a session, below its folder where it does not begin with a slash; NAME: alone is that folder",
        Arity = ArgumentArity.OneOrMore,
        HelpName = "SOURCE... DEST",
    };

    // Fingers type it; folders are copied with what is in them in any case.
    private readonly Option<bool> _recursive = new("--recursive", "-r") { Hidden = true };

    public CopyCommand(Surroundings here)
        : base(here, "cp", "Copy files and folders into a session or out of it", takesName: false)
    {
        Add(_paths);
        Add(_recursive);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session cp data.csv src notebook:", "Into the session's folder"),
        new("session cp notebook:results .", "A folder from there into this one"),
        new("cp *.parquet notebook:/data/", "Into a folder; globs are this machine's shell's"),
        new("cp notebook:model.bin model-2.bin", "Under another name; broken off and begun again, it goes on"),
    ];

    // The first one that is in a session says which.
    protected override string? NameOf(Call call) => Parse(call).Select(path => path.Session).FirstOrDefault(name => name is not null) is { Length: > 0 } name ? name : null;

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var paths = Parse(call);
        if (paths.Count < 2)
            throw CliException.Usage("From where to where? Such as: `berth session cp data.csv NAME:` or `berth session cp NAME:results .`.");
        var (sources, destination) = (paths[..^1], paths[^1]);
        CheckEnds(sources, destination);
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        var copy = new FileCopy(call, server, session);
        var board = new CopyBoard(call.Here, call.Report);
        var began = call.Here.Time.GetTimestamp();
        var report = destination.Session is not null
            ? await copy.UploadAsync([.. sources.Select(source => source.Path)], destination.Path, board, ct)
            : await copy.DownloadAsync([.. sources.Select(source => source.Path)], destination.Path, board, ct);
        if (call.Report.Live)
            call.Report.Line($"Copied {CopyBoard.Sum(report)} in {Ages.Took(call.Here.Time.GetElapsedTime(began))}.");
        return report.Troubles == 0 ? ExitCodes.Ok : ExitCodes.Error;
    }

    private List<CopyPath> Parse(Call call) => [.. (call.Get(_paths) ?? []).Select(CopyPath.Parse)];

    private static void CheckEnds(List<CopyPath> sources, CopyPath destination)
    {
        var sessions = sources.Select(source => source.Session).Distinct().ToList();
        if (sources.Concat([destination]).FirstOrDefault(path => path is { Session: null, Path: [] }) is not null)
            throw CliException.Usage("A path is empty: this folder is `.`.");
        if (sessions.Count > 1)
            throw CliException.Usage("All sources are of one place: of this machine, or of one session. Copy them one after the other.");
        if (sessions[0] is not null && destination.Session is not null)
            throw CliException.Usage("From one session to another goes by this machine: copy it here, then there.");
        if (sessions[0] is null && destination.Session is null)
            throw CliException.Usage($"Neither end is in a session: write it as NAME:path, such as `berth session cp {sources[0].Typed} NAME:`.");
    }
}
