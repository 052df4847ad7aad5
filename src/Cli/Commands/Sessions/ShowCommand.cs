using Berth.Cli.Output;
using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Sessions;

internal sealed class ShowCommand(Surroundings here) : SessionVerb(here, "show", "Show a session: its state and why, link, resources, stages")
{
    public override IReadOnlyList<Example> Examples =>
    [
        new("session show notebook", "All of the session 'notebook'"),
        new("session show notebook -c link", "One field of it"),
        new("session show notebook -o json", "For programs"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct, ended: true);
        call.Results.One(session, BerthJson.Default.SessionView, SessionColumns.Detail(call.Here.Time), view => view.Name);
        return ExitCodes.Ok;
    }
}
