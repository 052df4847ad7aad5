using Berth.Cli.Reach;
using Berth.Cli.Settings;
using Berth.Contracts.Services;

namespace Berth.Cli.Commands.Sessions;

internal sealed class ExecCommand : SessionVerb
{
    private readonly Flag<bool> _tty = Flags.Switch("--tty", "At a terminal: for programs that fill the screen or ask questions", "-t");
    private readonly Flag<string[]> _environment = VariableFlag.Create();
    private readonly Flag<string?> _workdir = Flags.Text("--workdir", "Where it starts (default: where the front end did)", "FOLDER", "-w");

    public ExecCommand(Surroundings here)
        : base(here, "exec", "Run a command in a session, with its input, output and exit code")
    {
        Add(_tty);
        Add(_environment);
        Add(_workdir);
    }

    public override bool TakesDashes => true;

    public override IReadOnlyList<Example> Examples =>
    [
        new("session exec notebook -- python train.py", "In the session's folder, with its variables; Ctrl-C reaches it"),
        new("session exec notebook -- tar -c results > results.tar", "What it prints is what you get, byte for byte"),
        new("exec --tty -- htop", "In your only session, at a terminal; Enter ~ . leaves"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        if (call.Here.BehindDashes.Count == 0)
            throw CliException.Usage("Which command? It stands behind two dashes: `berth session exec NAME -- ls -l`.");
        if (call.Get(_tty) && !(call.Here.InIsTerminal && call.Here.OutIsTerminal))
            throw CliException.Usage("--tty needs a terminal for both input and output. Leave it away where one is a file or a pipe.");
        var request = new ExecRequest
        {
            Command = call.Here.BehindDashes,
            Environment = VariableFlag.Read(call, _environment) ?? [],
            WorkingDirectory = call.Get(_workdir),
            Term = call.Here.Variable("TERM"),
        };
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        var end = call.Get(_tty)
            ? (await RemoteRun.AtTerminalAsync(call, server, session, size => request with { Terminal = size }, ct)).End
            : await RemoteRun.WithStreamsAsync(call, server, session, request, ct);
        if (end.Reason is { } reason)
            call.Report.Problem($"It cannot be run in session '{session.Name}': {reason}.");
        return end.Code ?? ExitCodes.Interrupted;
    }
}
