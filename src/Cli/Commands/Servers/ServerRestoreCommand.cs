using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Servers;

internal sealed class ServerRestoreCommand : Verb
{
    private readonly System.CommandLine.Argument<string> _file = new("FILE") { Description = "A backup" };

    public ServerRestoreCommand(Surroundings here)
        : base(here, "restore", "Put a backup in the place of the database; what is there is kept beside it")
    {
        Add(_file);
    }

    public override IReadOnlyList<Example> Examples => [new("server restore berth-20270101-020000.db", "The server has to be stopped")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var path = Path.GetFullPath(call.Get(_file)!, call.Here.WorkingFolder);
        if (!File.Exists(path))
            throw new CliException(ExitCodes.NotFound, $"There is no file {path}.");
        var local = new LocalServer(call.Here);
        if (await local.ListensAsync(ct))
            throw new CliException(ExitCodes.Conflict, "The server runs. Stop it first: `berth server stop`; its sessions go on.");
        var program = ServerProgram.Find(call.Here) ?? throw new CliException(ExitCodes.Error, ServerProgram.Missing);
        call.Questions.ConfirmOrStop(
            $"Replace the database in {local.DataFolder} by {path}?", "A restore replaces the database. Without a terminal to ask on, say so with -y.");
        PrivateFile.CreateFolder(local.DataFolder);
        ServerProgram.Become(program, ServerProgram.VariablesFor(call.Here, new Dictionary<string, string?>()), "restore", path);
        return ExitCodes.Error;
    }
}
