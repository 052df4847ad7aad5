using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

internal sealed class ConnectionsCommand : SessionVerb
{
    private const int PerPage = 50;

    private readonly Flag<bool> _allUsers = new("--all-users", "To everybody's sessions (for admins)") { Personal = true };
    private readonly Flag<string?> _user = new("--user", "With --all-users: only those of this user") { HelpName = "NAME", Personal = true };
    private readonly Flag<int?> _page = Flags.Whole("--page", "With --all-users: which page of 50, the newest first", "N", 1, 1_000_000);

    public ConnectionsCommand(Surroundings here)
        : base(here, "connections", "List who was connected to a session, and how")
    {
        Add(_allUsers);
        Add(_user);
        Add(_page);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session connections notebook", "Newest first; what has no end is open, and what was lost was last seen then; times are UTC"),
        new("session connections --all-users --user ada", "All of Ada's, for admins; `--page 2` for those before"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        if (call.Get(_allUsers) || call.Get(_user) is not null)
            return await EverybodysAsync(call, server, ct);
        if (call.Get(_page) is not null)
            throw CliException.Usage("--page is for --all-users: a session's own are listed whole.");
        var session = await FindAsync(call, server, ct, ended: true);
        Show(call, await server.Client.SessionConnectionsAsync(session.Id, ct), everybodys: false);
        return ExitCodes.Ok;
    }

    private async Task<int> EverybodysAsync(Call call, Server server, CancellationToken ct)
    {
        if (IsNamed(call))
            throw CliException.Usage("A session's name is for your own sessions; --all-users lists those to everybody's. Leave one of them out.");
        var page = call.Get(_page) ?? 1;
        var (connections, pages) = await server.Client.AllConnectionsAsync(call.Get(_user), page, PerPage, ct);
        Show(call, connections, everybodys: true);
        if (page < pages)
            call.Report.Line($"Page {page} of {pages}. Those before: `berth session connections --all-users{(call.Get(_user) is { } user ? $" --user {user}" : "")} --page {page + 1}`.");
        return ExitCodes.Ok;
    }

    private static void Show(Call call, IReadOnlyList<ConnectionView> connections, bool everybodys) =>
        call.Results.List(connections, BerthJson.Default.ListConnectionView, Columns(everybodys), of => of.Id);

    private static IReadOnlyList<Column<ConnectionView>> Columns(bool everybodys) =>
    [
        new("started", of => of.StartedAt.ToString("yyyy-MM-dd HH:mm:ss")),
        new("user", of => of.Username, everybodys),
        new("session", of => of.SessionName, everybodys),
        new("ended", of => of.EndedAt is { } ended ? $"{ended:yyyy-MM-dd HH:mm:ss}{(of.Lost ? " (lost)" : null)}" : null),
        new("kind", of => of.Kind),
        new("target", of => of.Target),
        new("from", of => of.From),
        new("in", of => DiskUse.Of(of.BytesIn)),
        new("out", of => DiskUse.Of(of.BytesOut)),
        new("id", of => of.Id, false),
    ];
}
