using Berth.Cli.Output;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Servers.Orphans;

internal sealed class OrphanListCommand : Verb
{
    private readonly Flag<bool> _sizes = Flags.Switch("--sizes", "Measure them; that may take minutes");

    public OrphanListCommand(Surroundings here)
        : base(here, "list", "List workspaces that belong to no session")
    {
        Add(_sizes);
    }

    public override IReadOnlyList<Example> Examples =>
        [new("server orphans list", "After a backup was restored, say"), new("server orphans list --sizes", "With what each holds")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var found = await (await call.ConnectAsync(ct)).Client.ListOrphansAsync(ct, call.Get(_sizes));
        IReadOnlyList<Column<OrphanView>> columns =
        [
            new("workspace", orphan => orphan.Id),
            new("owner", orphan => orphan.Username ?? orphan.OwnerId),
            new("session", orphan => orphan.SessionName),
            new("made", orphan => orphan.MadeAt is { } at ? Ages.Ago(at, call.Here.Time.GetUtcNow()) : null),
            new("size", orphan => DiskUse.Of(orphan.Bytes)),
            new("provider", orphan => orphan.Provider, false),
        ];
        call.Results.List([.. found.Workspaces], BerthJson.Default.ListOrphanView, columns, orphan => orphan.Id);
        foreach (var problem in found.NotAsked)
            call.Report.Line($"Not asked: {problem}");
        call.Report.Line(found.Workspaces.Count == 0
            ? found.NotAsked.Count > 0 ? "Every other workspace belongs to a session." : "Every workspace belongs to a session."
            : "They are kept. Give one to a user with `berth server orphans adopt WORKSPACE --user NAME`, or delete it with `berth server orphans delete WORKSPACE`.");
        return ExitCodes.Ok;
    }
}
