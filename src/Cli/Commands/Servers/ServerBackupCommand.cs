using System.Globalization;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Client;

namespace Berth.Cli.Commands.Servers;

internal sealed class ServerBackupCommand : Verb
{
    private readonly System.CommandLine.Argument<string?> _file = new("FILE")
    {
        Description = "Where to write it (berth-TIME.db in this folder)",
        Arity = System.CommandLine.ArgumentArity.ZeroOrOne,
    };

    private readonly Flag<bool> _force = Flags.Switch("--force", "Replace the file if it is there");

    public ServerBackupCommand(Surroundings here)
        : base(here, "backup", "Write the database of this machine's server into a file, while it runs")
    {
        Add(_file);
        Add(_force);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("server backup", "Into berth-TIME.db here; only you may read it"),
        new("server backup /backups/berth.db --force", "For a nightly job"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var name = call.Get(_file) ?? string.Create(CultureInfo.InvariantCulture, $"berth-{call.Here.Time.GetUtcNow():yyyyMMdd-HHmmss}.db");
        var path = Path.GetFullPath(name, call.Here.WorkingFolder);
        if (File.Exists(path) && !call.Get(_force))
            throw new CliException(ExitCodes.Conflict, $"{path} is there already. Name another file, or replace it with --force.");
        if (Path.GetDirectoryName(path) is not { } folder || !Directory.Exists(folder))
            throw CliException.Usage($"There is no folder {Path.GetDirectoryName(path)}.");

        var local = new LocalServer(call.Here);
        if (!await local.ListensAsync(ct))
            await local.StartInBackgroundAsync(call.Report, ct);
        using var client = ApiClient.ForLocalSocket(local.Socket, call.Here.Time);
        await using (var backup = await client.BackupAsync(ct))
            await PrivateFile.WriteAsync(path, backup, ct);
        call.Report.Line($"The database is in {path} ({new FileInfo(path).Length / 1024} KB). Restore it with `berth server restore`.");
        call.Report.Line($"Not in it: the keys in {Path.Combine(local.DataFolder, "keys")} (keep them apart; without them stored credentials cannot be read), and the workspaces.");
        return ExitCodes.Ok;
    }
}
