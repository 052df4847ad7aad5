using System.CommandLine;
using System.Net;
using System.Text.Json.Serialization;
using Berth.Cli.Output;
using Berth.Cli.Reach;
using Berth.Cli.Settings;
using Berth.Contracts.Services;

namespace Berth.Cli.Commands.Sessions;

/// <summary>A port that is open on this machine.</summary>
/// <param name="Local">Address and port of this machine.</param>
/// <param name="Port">Of the session.</param>
internal sealed record ForwardedPort(string Local, int Port);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(List<ForwardedPort>))]
internal sealed partial class ForwardedPortJson : JsonSerializerContext;

internal sealed class ForwardCommand : SessionVerb
{
    private static readonly IReadOnlyList<Column<ForwardedPort>> Columns =
    [
        new("local", port => port.Local),
        new("session_port", port => port.Port.ToString()),
    ];

    private readonly Argument<string[]> _ports = new("ports")
    {
        Description = "3000, a range such as 9990-9999, or local:session such as 8000:8080",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Flag<string?> _bind = Flags.Text("--bind", "Address of this machine to listen on (default: 127.0.0.1)", "ADDRESS");

    public ForwardCommand(Surroundings here)
        : base(here, "forward", "Open ports of a session on this machine, until Ctrl-C")
    {
        Add(_ports);
        Add(_bind);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session forward notebook 3000", "http://127.0.0.1:3000 is what listens on 3000 inside"),
        new("session forward notebook 9990-9999 8000:8080", "A range, and 8080 of the session as 8000 here"),
        new("forward 5432 -o json", "Of your only session; where 5432 is taken, the next free one is printed"),
    ];

    // The first word is a port where the session is left out.
    protected override string? NameOf(Call call) => base.NameOf(call) is { } word && !PortRange.IsMeant(word) ? word : null;

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var ranges = Words(call).Select(PortRange.Parse).ToList();
        if (ranges.Count == 0)
            throw CliException.Usage("Which ports? Such as: `berth session forward NAME 3000 8000:8080`.");
        if (!IPAddress.TryParse(call.Get(_bind) ?? "127.0.0.1", out var address))
            throw CliException.Usage($"--bind is '{call.Get(_bind)}'; an address of this machine is expected, such as 127.0.0.1 or 0.0.0.0.");
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        await server.Client.CheckConnectAsync(session.Id, ct);

        if (!IPAddress.IsLoopback(address))
            call.Report.Warning($"Whoever reaches {address} of this machine reaches these ports of the session.");
        var open = ranges.SelectMany(range => range.Pairs.Select(pair => (Socket: LocalPort.Listen(address, pair.Local, range.IsExact), pair.Remote))).ToList();
        call.Results.List(
            [.. open.Select(port => new ForwardedPort(port.Socket.LocalEndPoint!.ToString()!, port.Remote))],
            ForwardedPortJson.Default.ListForwardedPort, Columns, port => port.Local);
        call.Report.Line($"Open until Ctrl-C, to session '{session.Name}'.");

        var streams = new SessionStreams(server.Client, session.Id, new LineReport(call.Report.Line, call.Here.Time), call.Here.Time);
        var forwarder = new Forwarder(streams, call.Report, call.Here.Time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var ahead = streams.KeepAheadAsync(over.Token);
        var serving = Task.WhenAll(open.Select(port => forwarder.ServeAsync(port.Socket, new TcpRequest(port.Remote), over.Token)));
        try
        {
            await await Task.WhenAny(serving, streams.Refused);
        }
        finally
        {
            await over.CancelAsync();
            await forwarder.EndAsync();
            await ahead;
        }
        return ExitCodes.Ok;
    }

    private IEnumerable<string> Words(Call call)
    {
        if (base.NameOf(call) is { } word && PortRange.IsMeant(word))
            yield return word;
        foreach (var port in call.Get(_ports) ?? [])
            yield return port;
    }
}
