using System.Text.Json.Serialization;
using Berth.Cli.Output;
using Berth.Cli.Reach;
using Berth.Cli.Servers;
using Berth.Cli.Ssh;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(List<AttachedPort>))]
internal sealed partial class AttachedPortJson : JsonSerializerContext;

internal sealed class AttachCommand(Surroundings here) : SessionVerb(here, "attach", "Open a session on this machine, its SSH and its ports, until Ctrl-C")
{
    private static readonly IReadOnlyList<Column<AttachedPort>> Columns =
    [
        new("session_port", port => port.Port?.ToString() ?? "ssh"),
        new("local", port => port.Local),
        new("link", port => port.Link),
    ];

    public override IReadOnlyList<Example> Examples =>
    [
        new("session attach notebook", "SSH, the front end and whatever listens; what starts later appears"),
        new("attach -o json", "Of your only session, as lists: one now, one for each change"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        var streams = new SessionStreams(server.Client, session.Id, new LineReport(call.Report.Line, call.Here.Time), call.Here.Time);
        var forwarder = new Forwarder(streams, call.Report, call.Here.Time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var ahead = Task.CompletedTask;
        try
        {
            await using var told = await streams.OpenAsync(new PortsRequest(), ct);
            var token = await FindTokenAsync(call, server, session, ct);
            call.Report.Line($"Attached to session '{session.Name}' until Ctrl-C.");
            var ports = new AttachedPorts(session, token, forwarder, call.Report);
            Show(call, [await OpenSshAsync(call, server, session, ports, over.Token)]);
            ahead = streams.KeepAheadAsync(over.Token);
            await await Task.WhenAny(FollowAsync(call, ports, new AgentLines(told), over.Token), streams.Refused);
        }
        finally
        {
            await over.CancelAsync();
            await forwarder.EndAsync();
            await ahead;
        }
        return ExitCodes.Ok;
    }

    /// <summary>What the front end asks for; null: the server, which has just found the session, is older than the question.</summary>
    private static async Task<string?> FindTokenAsync(Call call, Server server, SessionView session, CancellationToken ct)
    {
        try
        {
            return (await server.Client.GetFrontEndAsync(session.Id, ct)).Token;
        }
        catch (ApiException e) when (e.Problem.Kind == ProblemCode.NotFound)
        {
            call.Report.Warning($"The server is older than this command and does not tell the front end's token, so its link has none: `berth session open {ShellWord.Of(session.Name)}` signs you in. The ports and SSH work.");
            return null;
        }
    }

    /// <summary>For clients that know nothing of <c>berth ssh-config</c>: they are told the key, and which host key to expect.</summary>
    private static async Task<AttachedPort> OpenSshAsync(Call call, Server server, SessionView session, AttachedPorts ports, CancellationToken ct)
    {
        var files = new SshFiles(call.Here);
        await files.EnsureIdentityAsync(ct);
        var host = SshHost.Of(session.Name, server.Context);
        await files.PinAsync(host, (await server.Client.GetSshAsync(session.Id, ct)).HostKey, ct);
        var ssh = ports.OpenSsh(new SshRequest { Keys = await files.PublicKeysAsync(ct) }, ct);
        var (address, port) = (ssh.Local.Split(':')[0], ssh.Local.Split(':')[1]);
        call.Report.Line(
            $"SSH:  ssh -p {port} -i {ShellWord.Of(files.Identity)} -o HostKeyAlias={host} -o UserKnownHostsFile={ShellWord.Of(files.KnownHosts)} -o ServerAliveInterval=0 {address}");
        return ssh;
    }

    /// <summary>Opens what is listened on, as the agent tells it.</summary>
    private static async Task FollowAsync(Call call, AttachedPorts ports, AgentLines told, CancellationToken ct)
    {
        while (await told.ReadAsync(ServiceJson.Default.PortsNow, ct) is { } now)
            Show(call, ports.Open(now.Ports ?? [], ct), goesOn: true);
        throw new IOException("The session's agent ended the connection: is the session over? See `berth session show`.");
    }

    private static void Show(Call call, List<AttachedPort> opened, bool goesOn = false)
    {
        if (opened.Count > 0)
            call.Results.List(opened, AttachedPortJson.Default.ListAttachedPort, Columns, port => port.Local, fit: false, goesOn: goesOn);
    }
}
