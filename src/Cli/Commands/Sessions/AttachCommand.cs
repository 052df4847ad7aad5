using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Cli.Output;
using Berth.Cli.Reach;
using Berth.Cli.Servers;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

/// <summary>A port of a session that is open on this machine, and where to go.</summary>
/// <param name="Port">Of the session.</param>
/// <param name="Local">Address and port of this machine.</param>
/// <param name="Link">Opens it in a browser; the front end's signs in, once.</param>
internal sealed record AttachedPort(int Port, string Local, string Link);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(List<AttachedPort>))]
internal sealed partial class AttachedPortJson : JsonSerializerContext;

internal sealed class AttachCommand(Surroundings here) : SessionVerb(here, "attach", "Open all ports of a session on this machine, until Ctrl-C")
{
    private static readonly IReadOnlyList<Column<AttachedPort>> Columns =
    [
        new("session_port", port => port.Port.ToString()),
        new("local", port => port.Local),
        new("link", port => port.Link),
    ];

    public override IReadOnlyList<Example> Examples =>
    [
        new("session attach notebook", "The front end and whatever listens; what starts later appears"),
        new("attach -o json", "Of your only session, as lists: one now, one for each change"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        var streams = new SessionStreams(server.Client, session.Id, new LineReport(call.Report, call.Here.Time), call.Here.Time);
        var forwarder = new Forwarder(streams, call.Report);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        try
        {
            await using var ports = await streams.OpenAsync(new PortsRequest(), ct);
            call.Report.Line($"Attached to session '{session.Name}' until Ctrl-C.");
            var following = FollowAsync(call, server, session, ports, forwarder, over.Token);
            await await Task.WhenAny(following, streams.Refused);
        }
        finally
        {
            await over.CancelAsync();
            await forwarder.EndAsync();
        }
        return ExitCodes.Ok;
    }

    /// <summary>Opens what is listened on, as the agent tells it. What goes away stays open here: programs are started again.</summary>
    private static async Task FollowAsync(Call call, Server server, SessionView session, Stream told, Forwarder forwarder, CancellationToken ct)
    {
        var open = new HashSet<int>();
        using var lines = new StreamReader(told);
        while (await lines.ReadLineAsync(ct) is { } line)
        {
            var now = JsonSerializer.Deserialize(line, ServiceJson.Default.PortsNow)?.Ports ?? [];
            var appeared = new List<AttachedPort>();
            foreach (var port in now.Where(open.Add))
            {
                var socket = LocalPort.Listen(IPAddress.Loopback, port, isExact: false);
                var local = LocalPort.PortOf(socket);
                _ = forwarder.ServeAsync(socket, port, ct);
                var link = port == session.Berth.Port ? await SessionLink.ForAsync(server, session, ct) : $"http://localhost:{local}";
                appeared.Add(new AttachedPort(port, $"127.0.0.1:{local}", link));
            }
            if (appeared.Count > 0)
                call.Results.List(appeared, AttachedPortJson.Default.ListAttachedPort, Columns, port => port.Local, fit: false);
        }
    }
}
