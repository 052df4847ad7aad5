using System.CommandLine;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Nodes;

internal sealed class NodeRemoveCommand : Verb
{
    private readonly Argument<string> _node = NodeArgument.New();
    private readonly Flag<bool> _force = Flags.Switch("--force", "Also with sessions that have not ended; their work stays on the machine, out of Berth's reach");

    public NodeRemoveCommand(Surroundings here)
        : base(here, "remove", "Forget a machine: its token works no more, and no session goes there")
    {
        Add(_node);
        Add(_force);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("node remove lab3", "Refused while sessions are on it"),
        new("node remove lab3 --force", "For a machine that will not come back"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var node = await server.Client.GetNodeAsync(call.Get(_node)!, ct);
        await server.Client.RemoveNodeAsync(node.Id, call.Get(_force), ct);
        var kept = node.Sessions.Count;
        call.Report.Line($"{node.Name} is removed{(kept == 0 ? "." : $"; the work of {kept} session{(kept == 1 ? "" : "s")} is still on it, in volumes of its engine whose names begin with berth-.")}");
        return ExitCodes.Ok;
    }
}
