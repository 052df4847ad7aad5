using Berth.Cli.Output;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;

namespace Berth.Cli.Commands.Nodes;

internal sealed class NodeTokenCommand : Verb
{
    private readonly Flag<bool> _own = Flags.Switch("--own", "The machine serves you alone; otherwise it serves pools, which only admins may let it");

    public NodeTokenCommand(Surroundings here)
        : base(here, "token", "Make a token with which one machine joins, within an hour")
    {
        Add(_own);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("node token", "For a machine that serves pools; says what to type there"),
        new("node token --own", "For a machine of your own"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var created = await server.Client.CreateNodeTokenAsync(new NodeTokenRequest(call.Get(_own)), ct);
        call.Report.Line($"Good for one machine, until it expires {Ages.Until(created.ExpiresAt, call.Here.Time.GetUtcNow())}. Type there:");
        call.Report.Line($"  {created.Command}");
        if (created.Note is not null)
            call.Report.Line(created.Note);
        if (call.Results.Format is OutputFormat.Table)
            call.Here.Out.WriteLine(created.Token);
        else
            call.Results.One(created, BerthJson.Default.NodeTokenCreated, [], token => token.Token);
        return ExitCodes.Ok;
    }
}
