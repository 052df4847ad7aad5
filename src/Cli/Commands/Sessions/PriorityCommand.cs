using Berth.Cli.Output;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

internal sealed class PriorityCommand : SessionVerb
{
    private readonly Flag<string?> _user = AdminAct.User();
    private readonly Flag<int?> _to = Flags.Whole("--to", "Ordinarily 0; below it lets others go first; above it is for admins", "NUMBER", -10, 10);

    public PriorityCommand(Surroundings here)
        : base(here, "priority", "Let a session that waits in line go sooner or later than others")
    {
        Add(_to);
        Add(_user);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session priority notebook --to -3", "Others go first"),
        new("session priority urgent --user bea --to 5", "Another's, for admins: a step goes before who came up to 8 hours earlier"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var request = new PriorityRequest(call.Get(_to) ?? throw CliException.Usage("Which priority? `berth session priority NAME --to NUMBER`, from -10 to 10."));
        var server = await call.ConnectAsync(ct);
        if (call.Get(_user) is { } user)
        {
            var others = await AdminAct.FindAsync(server, user, NameOf(call), "priority", ct);
            await server.Client.PrioritiseAsAdminAsync(others.Id, request, ct);
            call.Report.Line($"Session '{others.Name}' of {others.Username} waits with the priority {request.Priority}, and {others.Username} is told.");
            return ExitCodes.Ok;
        }

        var session = await server.Client.PrioritiseSessionAsync((await FindAsync(call, server, ct)).Id, request, ct);
        if (call.Results.Format != OutputFormat.Table)
            call.Results.One(session, BerthJson.Default.SessionView, SessionColumns.Detail(call.Here.Time), view => view.Name);
        call.Report.Line($"Session '{session.Name}' waits with the priority {request.Priority}.");
        return ExitCodes.Ok;
    }
}
