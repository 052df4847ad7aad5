using Berth.Cli.Commands.Servers.Orphans;
using Berth.Cli.Servers;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Servers;

internal sealed class ServerCommand : Verb
{
    private readonly Flag<int?> _port = Personal(Flags.Whole("--port", "Port (8300)", "PORT", 0, 65535));
    private readonly Flag<string?> _data = Text("--data", "Folder of everything it keeps (~/.local/share/berth)", "FOLDER");
    private readonly Flag<string?> _database = Text("--database-url", "PostgreSQL (postgres://…) instead of SQLite; better set as a variable, for it holds a password", "URL");
    private readonly Flag<string?> _listen = Text("--listen", "Address of this machine to listen at for others, such as 0.0.0.0 (localhost)", "ADDRESS");
    private readonly Flag<string?> _certificate = Text("--certificate", "PEM file of the certificate for TLS; read again when it is renewed", "FILE");
    private readonly Flag<string?> _key = Text("--certificate-key", "PEM file of its key, where it is not in the same file", "FILE");
    private readonly Flag<string?> _public = Text("--public-url", "Address that browsers and machines that join use", "URL");
    private readonly Flag<string?> _host = Text("--session-host", "Host of a session's own origin, with {session} in it", "HOST");
    private readonly Flag<string?> _engine = Text("--docker-host", "Socket of the container engine (unix:///…)", "SOCKET");

    public ServerCommand(Surroundings here)
        : base(here, "server", "Run the Berth server here, in the foreground")
    {
        foreach (var flag in new System.CommandLine.Option[] { _port, _listen, _certificate, _key, _data, _database, _public, _host, _engine })
            Add(flag);
        Add(new ServerLinkCommand(here));
        Add(new ServerStatusCommand(here));
        Add(new ServerStopCommand(here));
        Add(new ServerBackupCommand(here));
        Add(new ServerRestoreCommand(here));
        Add(new Group(
            "orphans", "Workspaces that belong to no session, as after a backup was restored (for admins)",
            new OrphanListCommand(here), new OrphanAdoptCommand(here), new OrphanDeleteCommand(here)));
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("server", "On port 8300, with SQLite; Ctrl-C stops it, its sessions go on"),
        new("server --port 9000 --data /srv/berth", "Elsewhere"),
        new("server --listen 0.0.0.0 --certificate berth.pem --public-url https://lab.example.org:8300", "For others, with TLS"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var here = call.Get(_data) is { } data
            ? call.Here with { Variables = new Dictionary<string, string>(call.Here.Variables) { ["BERTH_DATA"] = data } }
            : call.Here;
        var program = ServerProgram.Find(here) ?? throw new CliException(ExitCodes.Error, ServerProgram.Missing);
        var local = new LocalServer(here);
        if (await local.ListensAsync(ct))
            throw new CliException(ExitCodes.Conflict, $"A server runs already for {local.DataFolder}. Stop it with `berth server stop`, or name another folder with --data.");
        Dictionary<string, string?> options = new()
        {
            ["PORT"] = call.Get(_port)?.ToString(),
            ["LISTEN"] = call.Get(_listen),
            ["CERTIFICATE"] = Full(call.Get(_certificate)),
            ["CERTIFICATE_KEY"] = Full(call.Get(_key)),
            ["DATABASE_URL"] = call.Get(_database),
            ["PUBLIC_URL"] = call.Get(_public),
            ["SESSION_HOST"] = call.Get(_host),
            ["DOCKER_HOST"] = call.Get(_engine),
        };
        PrivateFile.CreateFolder(local.DataFolder);
        local.PidFile.Write(Environment.ProcessId);
        ServerProgram.Become(program, ServerProgram.VariablesFor(here, options));
        return ExitCodes.Error;
    }

    private static string? Full(string? file) => file is null ? null : Path.GetFullPath(file);

    private static Flag<string?> Text(string name, string description, string value) => new(name, description) { HelpName = value, Personal = true };

    private static Flag<T> Personal<T>(Flag<T> flag)
    {
        flag.Personal = true;
        return flag;
    }
}
