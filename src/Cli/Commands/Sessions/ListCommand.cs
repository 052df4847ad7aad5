using Berth.Cli.Output;
using Berth.Cli.Settings;
using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Sessions;

internal sealed class ListCommand : Verb
{
    private readonly Flag<bool> _ended = Flags.Switch("--ended", "Those that are over, instead of those that live");
    private readonly Flag<string?> _project = Flags.Text("--project", "Only those of this project", "NAME");

    public ListCommand(Surroundings here)
        : base(here, "list", "List your sessions")
    {
        Add(_ended);
        Add(_project);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session list", "Your sessions; on a narrow terminal without their links"),
        new("session list -c name,status,image,url", "Choose the columns"),
        new("session list -o json", "For programs"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var sessions = await server.Client.ListSessionsAsync(ct, call.Get(_ended));
        if (call.Get(_project) is { } project)
            sessions = [.. sessions.Where(session => session.ProjectId == project
                || session.Berth.ProjectName.StartsWith(project, StringComparison.OrdinalIgnoreCase))];
        call.Results.List(sessions, BerthJson.Default.ListSessionView, SessionColumns.Of(call.Here.Time), session => session.Name, SessionRow.Colour);
        foreach (var session in sessions)
        {
            if (SessionRow.Of(session).WarningLine(call.Here.Time.GetUtcNow()) is { } warning)
                call.Report.Warning(warning);
        }
        if (sessions.Count == 0 && call.Results.Format == OutputFormat.Table)
            call.Report.Line(call.Get(_ended) ? "No session of yours has ended yet." : "You have no session. Start one with `berth session start`.");
        return ExitCodes.Ok;
    }
}
