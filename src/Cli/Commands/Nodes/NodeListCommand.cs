using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Nodes;

internal sealed class NodeListCommand(Surroundings here) : Verb(here, "list", "List machines that joined, with what runs on them and what is free")
{
    public override IReadOnlyList<Example> Examples =>
    [
        new("node list", "Yours; all of them, for admins"),
        new("node list -c name,state,disk,labels", "Other columns"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var nodes = await (await call.ConnectAsync(ct)).Client.ListNodesAsync(ct);
        call.Results.List(nodes, BerthJson.Default.ListNodeView, NodeColumns.Of(call.Here.Time), node => node.Name);
        if (nodes.Count == 0)
            call.Report.Line("There are none. Let one join with `berth node token`.");
        foreach (var node in nodes.Where(node => node is { Owner: null, Isolation: not null }))
            call.Report.Line($"{node.Name} runs sessions of several people and does not shut them off as it should: `berth node show {node.Name}` says why.");
        return ExitCodes.Ok;
    }
}
