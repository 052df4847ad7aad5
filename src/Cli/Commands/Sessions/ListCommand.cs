using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Sessions;

internal sealed class ListCommand : Verb
{
    private const int PerPage = 50;

    private readonly Flag<bool> _ended = Flags.Switch("--ended", "Those that are over, instead of those that live");
    private readonly Flag<int?> _page = Flags.Whole("--page", "With --ended: which page of 50, the newest first", "N", 1, 1_000_000);
    private readonly Flag<bool> _allUsers = new("--all-users", "Everybody's, without what is in them (for admins)") { Personal = true };
    private readonly Flag<string?> _user = new("--user", "With --all-users: only those of this user") { HelpName = "NAME", Personal = true };
    private readonly Flag<string?> _project = Flags.Text("--project", "Only those of this project", "NAME");

    public ListCommand(Surroundings here)
        : base(here, "list", "List your sessions")
    {
        Add(_ended);
        Add(_page);
        Add(_allUsers);
        Add(_user);
        Add(_project);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session list", "Your sessions; on a narrow terminal without their links"),
        new("session list -c name,status,image,url", "Choose the columns"),
        new("session list -o wide", "All columns, what each holds on the disk among them"),
        new("session list --ended", "The last 50 that are over; `--page 2` for those before"),
        new("session list --all-users", "Everybody's, for admins"),
        new("session list -o json", "For programs"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        if (call.Get(_allUsers) || call.Get(_user) is not null)
            return await EverybodysAsync(call, server, ct);
        var page = call.Get(_page) ?? 1;
        var (sessions, pages) = call.Get(_ended) ? await server.Client.ListEndedSessionsAsync(page, PerPage, ct) : (await server.Client.ListSessionsAsync(ct), 1);
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
        if (page < pages)
            call.Report.Line($"Page {page} of {pages}. Those before: `berth session list --ended --page {page + 1}`.");
        return ExitCodes.Ok;
    }

    private async Task<int> EverybodysAsync(Call call, Server server, CancellationToken ct)
    {
        var sessions = await server.Client.ListAllSessionsAsync(call.Get(_user), call.Get(_ended), ct);
        call.Results.List(sessions, BerthJson.Default.ListAdminSessionView, AdminSessionColumns.Of(call.Here.Time), session => session.Id, SessionRow.Colour);
        if (sessions.Count == 0 && call.Results.Format == OutputFormat.Table)
            call.Report.Line("There is no such session.");
        return ExitCodes.Ok;
    }
}
