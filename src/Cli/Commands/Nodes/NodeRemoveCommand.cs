using System.CommandLine;
using Berth.Cli.Settings;
using Berth.Contracts.Nodes;

namespace Berth.Cli.Commands.Nodes;

internal sealed class NodeRemoveCommand : Verb
{
    private readonly Argument<string> _node = NodeArgument.New();
    private readonly Flag<bool> _force = Flags.Switch("--force", "Also with sessions that have not ended, or work of some that have; it stays on the machine, out of Berth's reach");

    public NodeRemoveCommand(Surroundings here)
        : base(here, "remove", "Forget a machine: its token works no more, and no session goes there")
    {
        Add(_node);
        Add(_force);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("node remove lab3", "Refused while sessions, or work of some that ended, are on it"),
        new("node remove lab3 --force", "For a machine that will not come back"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var node = await server.Client.GetNodeAsync(call.Get(_node)!, ct);
        if (call.Get(_force) && node.Sessions.Count > 0)
            call.Questions.ConfirmOrStop(Question(node), "--force ends sessions and puts their work out of Berth's reach. Without a terminal to ask on, say so with -y.");
        var removed = await server.Client.RemoveNodeAsync(node.Id, call.Get(_force), ct);
        call.Report.Line($"{removed.Name} is removed.");
        if (removed.Running.Count > 0)
            call.Report.Line($"Not stopped, for it was away or took too long: {string.Join(", ", removed.Running)}. Look there whether {(removed.Running.Count == 1 ? "it runs" : "they run")} on.");
        if (removed.Kept > 0)
            call.Report.Line($"The work of {Count(removed.Kept)} is still on it, in volumes of its engine whose names begin with berth- or, without an engine, in the folder 'work' of its node's data.");
        return ExitCodes.Ok;
    }
    private static string Question(NodeView node)
    {
        var live = node.Sessions.Where(session => session.Status != "ended").Select(session => $"'{session.Name}'").ToList();
        return $"{(live.Count == 0 ? "Remove" : $"End {string.Join(", ", live)} and remove")} {node.Name}? The work of {Count(node.Sessions.Count)} then stays there, out of Berth's reach.";
    }

    private static string Count(int sessions) => $"{sessions} session{(sessions == 1 ? "" : "s")}";
}
