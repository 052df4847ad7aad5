using System.CommandLine;
using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Nodes;

internal sealed class NodeShowCommand : Verb
{
    private readonly Argument<string> _node = NodeArgument.New();

    public NodeShowCommand(Surroundings here)
        : base(here, "show", "Show all about a machine: what it was told to offer, what was measured, what runs on it")
    {
        Add(_node);
    }

    public override IReadOnlyList<Example> Examples => [new("node show lab3", "By name or id")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var node = await (await call.ConnectAsync(ct)).Client.GetNodeAsync(call.Get(_node)!, ct);
        call.Results.One(node, BerthJson.Default.NodeView, NodeColumns.All(call.Here.Time), found => found.Name);
        return ExitCodes.Ok;
    }
}
