using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;

namespace Berth.Cli.Commands.Nodes;

internal sealed class NodeJoinCommand : Verb
{
    private readonly Argument<string> _server = new("server") { Description = "Address of the server" };
    private readonly Flag<string?> _token = new("--token", "The join token; others can read command lines: it is good once") { HelpName = "TOKEN", Personal = true };
    private readonly Flag<string?> _tokenFile = new("--token-file", "Read the join token from this file; - is stdin") { HelpName = "FILE", Personal = true };
    private readonly Flag<string?> _name = new("--name", "What to call the machine (its host name)") { HelpName = "NAME", Personal = true };
    private readonly Flag<string?> _ca = Authorities.Flag();
    private readonly Flag<string?> _engine = new("--docker-host", "Socket of the container engine (unix:///…)") { HelpName = "SOCKET", Personal = true };
    private readonly Flag<bool> _processes = new("--processes", "Without an engine: sessions are processes of yours, not isolated, and of nobody else's") { Personal = true };
    private readonly Flag<string?> _data = Data();
    private readonly Flag<bool> _service = new("--service", "Install it as a systemd service instead of running it here; print the unit where there is no systemd") { Personal = true };
    private readonly OfferFlags _offer = new();

    public NodeJoinCommand(Surroundings here)
        : base(here, "join", "Let this machine run sessions of a server, with its own container engine")
    {
        Add(_server);
        foreach (var flag in new Option[] { _token, _tokenFile, _name, _ca })
            Add(flag);
        _offer.AddTo(this);
        foreach (var flag in new Option[] { _engine, _processes, _data, _service })
            Add(flag);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("node join https://berth.example.org --token-file token.txt", "Everything it has, in the foreground"),
        new("node join https://berth.example.org --token-file - --gpus 0,1 --memory 64G --service", "A part of it, as a service"),
        new("node join https://berth.example.org --token-file t --processes", "Your own machine without an engine, with its own programs"),
        new("node join https://berth.example.org --token-file t --queue gpu batch --uptime \"Mon-Fri 18:00-08:00\"", "At night, for two queues"),
    ];

    public static Flag<string?> Data() => new("--data", "Folder of everything the node keeps (~/.local/share/berth-node)") { HelpName = "FOLDER", Personal = true };

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var program = NodeProgram.Require(call.Here);
        var folder = NodeProgram.DataFolder(call.Here, call.Get(_data));
        RequireUnused(folder);
        if (call.Get(_processes) && call.Get(_engine) is not null)
            throw CliException.Usage("Give --docker-host or --processes, not both: with --processes no engine is used.");
        var token = Token(call);
        var service = call.Get(_service) ? new NodeService(call, program, folder, call.Get(_processes)) : null;
        service?.RequireFree();
        var settings = new NodeSettings(Address(call.Get(_server)!), call.Get(_name) ?? Environment.MachineName.Split('.')[0], _offer.Read(call, new NodeOffer()), call.Get(_engine), call.Get(_processes));
        var authorities = Authorities.Read(call, _ca);
        PrivateFile.CreateFolder(folder);
        File.Delete(Path.Combine(folder, NodeFiles.Authorities));
        ForgetToken(folder, settings.Server);
        if (authorities is not null)
            PrivateFile.Write(Path.Combine(folder, NodeFiles.Authorities), authorities);
        PrivateFile.Write(Path.Combine(folder, NodeFiles.Settings), JsonSerializer.Serialize(settings, NodeJson.Default.NodeSettings));
        // A variable: other users can read command lines.
        var variables = new Dictionary<string, string>(call.Here.Variables) { [NodeFiles.JoinToken] = token };
        if (service is null)
            ServerProgram.Become(program, variables, "--data", folder);
        var joined = await JoinAsync(program, folder, variables, ct);
        return joined == ExitCodes.Ok ? await service.InstallAsync(ct) : joined;
    }

    private static void RequireUnused(string folder)
    {
        var identity = Path.Combine(folder, NodeFiles.Identity);
        if (!File.Exists(identity))
            return;
        var name = JsonSerializer.Deserialize(File.ReadAllText(identity), NodeJson.Default.NodeIdentity)?.Name;
        throw new CliException(
            ExitCodes.Conflict, $"This machine has joined already, as '{name}': run it with `berth node run`. To join anew, remove it at the server (`berth node remove {name}`) and delete {folder}; to join a second server, name another folder with --data.");
    }

    /// <summary>A join that was begun goes on with the token that the machine made for it; no other server is told that.</summary>
    private static void ForgetToken(string folder, string server)
    {
        var settings = Path.Combine(folder, NodeFiles.Settings);
        if (!File.Exists(settings) || JsonSerializer.Deserialize(File.ReadAllText(settings), NodeJson.Default.NodeSettings)?.Server != server)
            File.Delete(Path.Combine(folder, NodeFiles.Token));
    }

    private string Token(Call call)
    {
        var token = ((call.Get(_token), call.Get(_tokenFile)) switch
        {
            ({ } given, null) => given,
            (null, { } file) => GivenToken.FromFile(call.Here, file),
            (null, null) => call.Here.Variable("BERTH_TOKEN") ?? throw CliException.Usage("A join token is needed: make one with `berth node token`, and give it with --token-file, --token or the variable BERTH_TOKEN."),
            _ => throw CliException.Usage("Give the join token by --token or by --token-file, not both."),
        }).Trim();
        return token.Length > 0 && !token.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) ? token : throw CliException.Usage("That is no join token: one word is expected.");
    }

    private static string Address(string url)
    {
        var text = url.Contains("://", StringComparison.Ordinal) ? url : "https://" + url;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http") || address.Host.Length == 0 || address.UserInfo.Length > 0)
            throw CliException.Usage($"'{url}' is no address of a server; such as https://berth.example.org is expected.");
        if (address.Scheme == "http" && !address.IsLoopback)
            throw CliException.Usage($"{address} is not encrypted: who is on the way could run what they like on this machine. Use https.");
        return address.AbsoluteUri.TrimEnd('/');
    }

    private static async Task<int> JoinAsync(string program, string folder, Dictionary<string, string> variables, CancellationToken ct)
    {
        var start = new ProcessStartInfo(program, ["--data", folder, "--join-only"]) { UseShellExecute = false };
        start.Environment.Clear();
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync(ct);
        return process.ExitCode;
    }
}
