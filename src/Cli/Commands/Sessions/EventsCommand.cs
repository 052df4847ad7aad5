using Berth.Cli.Output;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

internal sealed class EventsCommand(Surroundings here) : SessionVerb(here, "events", "List what happened to a session")
{
    private static readonly IReadOnlyList<Column<SessionEvent>> Columns =
    [
        new("at", entry => entry.At.ToString("yyyy-MM-dd HH:mm:ss")),
        new("kind", entry => entry.Kind),
        new("text", entry => entry.Text),
        new("by", entry => entry.By),
        new("generation", entry => entry.Generation.ToString(), false),
    ];

    public override IReadOnlyList<Example> Examples => [new("session events notebook", "Its history, oldest first; times are UTC")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct, ended: true);
        var events = await server.Client.SessionEventsAsync(session.Id, ct);
        // The text is what the list is for: it is never left out for width, a terminal wraps it.
        call.Results.List(events, BerthJson.Default.ListSessionEvent, Columns, entry => entry.Kind, fit: false);
        return ExitCodes.Ok;
    }
}
