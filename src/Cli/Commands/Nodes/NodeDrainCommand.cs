using System.CommandLine;

namespace Berth.Cli.Commands.Nodes;

/// <summary><c>drain</c> and its opposite, <c>resume</c>.</summary>
internal sealed class NodeDrainCommand : Verb
{
    private readonly bool _drain;
    private readonly Argument<string> _node = NodeArgument.New();

    public NodeDrainCommand(Surroundings here, bool drain)
        : base(here, drain ? "drain" : "resume", drain ? "Let a machine finish what runs, and give it nothing new" : "Let a drained machine take sessions again")
    {
        _drain = drain;
        Add(_node);
    }

    public override IReadOnlyList<Example> Examples => _drain
        ? [new("node drain lab3", "Before it is updated or taken away; what runs goes on")]
        : [new("node resume lab3", "It takes sessions again")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var node = await (await call.ConnectAsync(ct)).Client.DrainNodeAsync(call.Get(_node)!, _drain, ct);
        var live = node.Sessions.Count(s => s.Status is not ("ended" or "paused"));
        call.Report.Line(_drain
            ? $"{node.Name} takes nothing new; {(live == 0 ? "nothing runs on it." : $"{live} session{(live == 1 ? "" : "s")} on it go{(live == 1 ? "es" : "")} on.")} Back: `berth node resume {node.Name}`."
            : $"{node.Name} takes sessions again.");
        return ExitCodes.Ok;
    }
}
