using System.CommandLine;
using Berth.Cli.Output;

namespace Berth.Cli.Commands.Servers.Orphans;

internal sealed class OrphanDeleteCommand : Verb
{
    private readonly Argument<string> _workspace = new("workspace") { Description = "Its id, or the beginning of it" };

    public OrphanDeleteCommand(Surroundings here)
        : base(here, "delete", "Delete a workspace that belongs to no session, with all that is in it")
    {
        Add(_workspace);
    }

    public override IReadOnlyList<Example> Examples => [new("server orphans delete 01JQ8Z", "Nobody gets it back")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var orphan = Names.Pick(call.Get(_workspace)!, (await server.Client.ListOrphansAsync(ct)).Workspaces, o => [o.Id], "workspace without a session", "berth server orphans list");
        var whose = orphan.Username ?? orphan.OwnerId;
        call.Questions.ConfirmOrStop(
            $"Delete workspace {orphan.Id}{(whose is null ? "" : $" of {whose}")} with all that is in it?",
            "It cannot be had back. Without a terminal to ask on, say so with -y.");
        await server.Client.DeleteOrphanAsync(orphan.Id, ct);
        call.Report.Line($"The workspace {orphan.Id} is being deleted.");
        return ExitCodes.Ok;
    }
}
