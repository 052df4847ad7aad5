using Berth.Cli.Output;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;

namespace Berth.Cli.Commands.Queues;

internal sealed class QueueListCommand(Surroundings here) : Verb(here, "list", "List the queues of the pools that you may use, and how many wait in them")
{
    private static readonly IReadOnlyList<Column<QueueView>> Columns =
    [
        new("name", queue => queue.Name),
        new("pools", queue => string.Join(", ", queue.Pools)),
        new("waiting", queue => $"{queue.Waiting}"),
        new("running", queue => $"{queue.Running}"),
        new("machines", queue => $"{queue.Ready} of {queue.Machines}"),
    ];

    public override IReadOnlyList<Example> Examples => [new("queue list", "Where many wait, and where nobody does")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var queues = await (await call.ConnectAsync(ct)).Client.ListQueuesAsync(ct);
        call.Results.List(queues, BerthJson.Default.ListQueueView, Columns, queue => queue.Name);
        if (queues.Count == 0)
            call.Report.Line("There are none: no pool that you may use has machines that joined.");
        return ExitCodes.Ok;
    }
}
