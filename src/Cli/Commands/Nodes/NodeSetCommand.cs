using Berth.Cli.Servers;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Nodes;

/// <summary>The server checks it before it is kept here: a node whose offer cannot be is not let in.</summary>
internal sealed class NodeSetCommand : Verb
{
    private readonly Flag<string?> _data = NodeJoinCommand.Data();
    private readonly OfferFlags _offer = new();

    public NodeSetCommand(Surroundings here)
        : base(here, "set", "Change what this machine, which has joined, offers from now on")
    {
        _offer.AddTo(this);
        Add(_data);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("node set --gpus 0 --memory 32G", "Less than before; what runs goes on"),
        new("node set --cpus all --uptime always", "All of it, at any time"),
        new("node set --queue gpu batch --label room=B12 --label rack=3", "Other queues and labels, instead of those before"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        if (!_offer.IsGiven(call))
            throw CliException.Usage("Say what it shall offer, such as --memory 32G; see `berth node set --help`.");
        var node = new JoinedNode(NodeProgram.DataFolder(call.Here, call.Get(_data)));
        var name = node.Identity.Name;
        using var server = node.Connect(call.Here.Time);
        node.Keep(await server.SetNodeOfferAsync(_offer.Read(call, node.Settings.Offer), ct));
        call.Report.Line($"{name} offers that from now on; what runs on it goes on. See it at the server: `berth node show {name}`.");
        return ExitCodes.Ok;
    }
}
