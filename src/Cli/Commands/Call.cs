using System.CommandLine;
using Berth.Cli.Output;
using Berth.Cli.Servers;

namespace Berth.Cli.Commands;

/// <summary>One run of a command: what was typed, where results and messages go, and the server, once it is asked for.</summary>
internal sealed class Call : IDisposable
{
    private readonly Surroundings _machine;
    private readonly ParseResult _parse;
    private Server? _server;

    public Call(Surroundings here, ParseResult parse, CancellationToken ct)
    {
        _machine = here;
        Here = here with { Time = new ServerTime(here.Time, () => _server?.Client.ServerAhead ?? TimeSpan.Zero) };
        _parse = parse;
        var colours = GlobalFlags.Colours(parse, here);
        Report = new Report(here, GlobalFlags.Quiet(parse), colours);
        Results = new Results(here, GlobalFlags.Format(parse), GlobalFlags.Columns(parse), GlobalFlags.Wide(parse), colours && here.OutIsTerminal);
        Questions = new Questions(here, GlobalFlags.Yes(parse), ct);
    }

    /// <summary>Its clock is the server's, once that has answered.</summary>
    public Surroundings Here { get; }

    public Report Report { get; }

    public Results Results { get; }

    public Questions Questions { get; }

    public T? Get<T>(Option<T> option) => _parse.GetValue(option);

    public T? Get<T>(Argument<T> argument) => _parse.GetValue(argument);

    /// <summary>Typed or set, as opposed to left out.</summary>
    public bool Has(Option option) => _parse.GetResult(option) is { Implicit: false };

    /// <param name="ct">Cancels.</param>
    /// <param name="context">Of the server, where what is asked for says it; null: as the flag says, or the default.</param>
    public async Task<Server> ConnectAsync(CancellationToken ct, string? context = null) =>
        _server ??= await new Connector(_machine, Report).ConnectAsync(context ?? GlobalFlags.Context(_parse), ct);

    public void Dispose() => _server?.Dispose();
}
