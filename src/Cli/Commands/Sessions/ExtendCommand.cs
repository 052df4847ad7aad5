using Berth.Cli.Output;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

internal sealed class ExtendCommand : SessionVerb
{
    private readonly Flag<TimeSpan?> _for = Flags.Span("--for", "How long from now on it may at least stay: 90m, 8h, 2d (1d)");

    public ExtendCommand(Surroundings here)
        : base(here, "extend", "Keep a session from being stopped for idleness, up to its maximum age")
    {
        Add(_for);
    }

    public override IReadOnlyList<Example> Examples => [new("session extend notebook --for 8h", "Not to be stopped for idleness before that")];

    protected override bool Warns => false;

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        var minutes = call.Get(_for) is { } span ? (int)Math.Ceiling(span.TotalMinutes) : (int?)null;
        session = await server.Client.ExtendSessionAsync(session.Id, new ExtendRequest(minutes), ct);
        if (call.Results.Format != OutputFormat.Table)
            call.Results.One(session, BerthJson.Default.SessionView, SessionColumns.Detail(call.Here.Time), view => view.Name);
        call.Report.Line(session.Berth.StopsAt is { } at
            ? $"Session '{session.Name}' stops {Ages.Until(at, call.Here.Time.GetUtcNow())}, because: {session.Berth.StopsBecause}."
            : session.Berth is { Status: "running", Sentence: { } why }
            ? $"No deadline of session '{session.Name}' counts now. {why}"
            : $"Session '{session.Name}' has no deadline.");
        return ExitCodes.Ok;
    }
}
