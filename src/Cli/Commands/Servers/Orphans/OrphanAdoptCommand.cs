using System.CommandLine;
using Berth.Cli.Output;
using Berth.Cli.Settings;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Servers.Orphans;

internal sealed class OrphanAdoptCommand : Verb
{
    private readonly Argument<string> _workspace = new("workspace") { Description = "Its id, or the beginning of it" };
    private readonly Flag<string?> _user = Flags.Text("--user", "Who gets it (whose its label says it was)", "NAME");

    public OrphanAdoptCommand(Surroundings here)
        : base(here, "adopt", "Give a workspace that belongs to no session to a user, as the work of one that has ended")
    {
        Add(_workspace);
        Add(_user);
    }

    public override IReadOnlyList<Example> Examples => [new("server orphans adopt 01JQ8Z --user ada", "Ada goes on from it with `berth session start --continue …`")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var orphan = Names.Pick(call.Get(_workspace)!, (await server.Client.ListOrphansAsync(ct)).Workspaces, o => [o.Id], "workspace without a session", "berth server orphans list");
        var session = await server.Client.AdoptOrphanAsync(orphan.Id, new AdoptRequest(call.Get(_user)), ct);
        call.Report.Line($"It is the work of {session.Username}'s ended session '{session.Name}', who goes on from it with `berth session start --continue {session.Id}`.");
        return ExitCodes.Ok;
    }
}
