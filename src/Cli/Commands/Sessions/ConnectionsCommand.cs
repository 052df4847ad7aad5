using Berth.Cli.Output;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

internal sealed class ConnectionsCommand(Surroundings here) : SessionVerb(here, "connections", "List who was connected to a session, and how")
{
    private static readonly IReadOnlyList<Column<ConnectionView>> Columns =
    [
        new("started", of => of.StartedAt.ToString("yyyy-MM-dd HH:mm:ss")),
        new("ended", of => of.EndedAt is { } ended ? $"{ended:yyyy-MM-dd HH:mm:ss}{(of.Lost ? " (lost)" : null)}" : null),
        new("kind", of => of.Kind),
        new("target", of => of.Target),
        new("from", of => of.From),
        new("in", of => DiskUse.Of(of.BytesIn)),
        new("out", of => DiskUse.Of(of.BytesOut)),
        new("user", of => of.Username, false),
        new("id", of => of.Id, false),
    ];

    public override IReadOnlyList<Example> Examples => [new("session connections notebook", "Newest first; what has no end is open, and what was lost was last seen then; times are UTC")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct, ended: true);
        var connections = await server.Client.SessionConnectionsAsync(session.Id, ct);
        call.Results.List(connections, BerthJson.Default.ListConnectionView, Columns, of => of.Id);
        return ExitCodes.Ok;
    }
}
