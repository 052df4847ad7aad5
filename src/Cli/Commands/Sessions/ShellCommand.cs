using System.Text.Json.Serialization;
using Berth.Cli.Output;
using Berth.Cli.Reach;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(List<TerminalView>))]
internal sealed partial class TerminalJson : JsonSerializerContext;

internal sealed class ShellCommand : SessionVerb
{
    private readonly Flag<string?> _shell = Flags.Text("--shell", "Its program (default: the session's own, bash or sh)", "PROGRAM");
    private readonly Flag<string?> _terminal = Flags.Text("--terminal", "Which one: opened where it is not there, else gone on with (default: a new one)", "NAME");
    private readonly Flag<bool> _list = Flags.Switch("--list", "List the shells that the session has, instead of opening one");

    public ShellCommand(Surroundings here)
        : base(here, "shell", "Open a shell in a session; Enter ~ . leaves it, and it lives on")
    {
        Add(_shell);
        Add(_terminal);
        Add(_list);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session shell notebook", "A new shell; `exit` ends it, Enter ~ . leaves it as it is"),
        new("session shell notebook --terminal train", "The shell named train, with its last screen"),
        new("session shell notebook --list", "The session's shells"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        if (!call.Get(_list) && !(call.Here.InIsTerminal && call.Here.OutIsTerminal))
            throw CliException.Usage("A shell needs a terminal. For a command without one: `berth session exec NAME -- COMMAND`.");
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        if (call.Get(_list))
            return await ListAsync(call, server, session, ct);

        var (end, name) = await RemoteRun.AtTerminalAsync(call, server, session, size => new TerminalRequest
        {
            Name = call.Get(_terminal),
            Shell = call.Get(_shell),
            Size = size,
            Term = call.Here.Variable("TERM"),
        }, ct);
        if (end.Code is { } code)
        {
            if (end.Reason is { } reason)
                call.Report.Problem($"There is no shell in session '{session.Name}': {reason}.");
            return code;
        }
        var back = $"berth session shell {session.Name} --terminal {ShellWord.Of(name ?? "")}";
        call.Report.Line();
        call.Report.Line(end.TakenOver ? $"The shell was opened elsewhere. Take it back with `{back}`." : $"The shell goes on. Come back with `{back}`.");
        return ExitCodes.Ok;
    }

    private static async Task<int> ListAsync(Call call, Server server, SessionView session, CancellationToken ct)
    {
        var streams = new SessionStreams(server.Client, session.Id, new LineReport(call.Report.Line, call.Here.Time), call.Here.Time);
        await using var stream = await streams.OpenAsync(new TerminalsRequest(), ct);
        var now = await new AgentLines(stream).ReadAsync(ServiceJson.Default.TerminalsNow, ct);
        Column<TerminalView>[] columns =
        [
            new("name", terminal => RemoteProcess.Plain(terminal.Name)),
            new("runs", terminal => RemoteProcess.Plain(terminal.Program)),
            new("opened", terminal => Ages.Ago(default, default(DateTimeOffset).AddSeconds(terminal.OpenSeconds))),
            new("attached", terminal => terminal.Attached ? "yes" : ""),
        ];
        var shells = (now?.Terminals ?? []).Where(terminal => terminal is { Name: not null, Program: not null }).ToList();
        call.Results.List(shells, TerminalJson.Default.ListTerminalView, columns, terminal => RemoteProcess.Plain(terminal.Name));
        if (shells.Count == 0)
            call.Report.Line($"Session '{session.Name}' has no shell. Open one with `berth session shell {session.Name}`.");
        return ExitCodes.Ok;
    }
}
