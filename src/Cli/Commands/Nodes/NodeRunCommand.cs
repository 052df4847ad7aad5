using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Nodes;

namespace Berth.Cli.Commands.Nodes;

internal sealed class NodeRunCommand : Verb
{
    private readonly Flag<string?> _data = NodeJoinCommand.Data();

    public NodeRunCommand(Surroundings here)
        : base(here, "run", "Run this machine's node, which has joined, in the foreground")
    {
        Add(_data);
    }

    public override IReadOnlyList<Example> Examples => [new("node run", "Ctrl-C stops it; sessions go on, and are found again")];

    protected override Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var folder = NodeProgram.DataFolder(call.Here, call.Get(_data));
        if (!File.Exists(Path.Combine(folder, NodeFiles.Settings)))
            throw new CliException(ExitCodes.NotFound, $"This machine has not joined a server: {folder} is no node's data folder. See `berth node join --help`.");
        ServerProgram.Become(NodeProgram.Require(call.Here), call.Here.Variables, "--data", folder);
        return Task.FromResult(ExitCodes.Error);
    }
}
