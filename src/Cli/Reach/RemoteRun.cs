using System.Runtime.InteropServices;
using Berth.Cli.Commands;
using Berth.Cli.Servers;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Reach;

/// <summary>Runs a process in a session in place of this one, from asking for it to its end.</summary>
internal static class RemoteRun
{
    private static readonly (PosixSignal Signal, byte Number)[] s_passedOn =
        [(PosixSignal.SIGINT, 2), (PosixSignal.SIGTERM, 15), (PosixSignal.SIGHUP, 1), (PosixSignal.SIGQUIT, 3)];

    /// <summary>At this terminal, every key passed on.</summary>
    /// <returns>How it ended, and its terminal's name.</returns>
    public static async Task<(RemoteEnd End, string? Name)> AtTerminalAsync(
        Call call, Server server, SessionView session, Func<TerminalSize, ServiceRequest> request, CancellationToken ct)
    {
        await using var screen = call.Here.BytesOut();
        using var status = new StatusLine(screen, () => RawTerminal.Size, call.Here.Time);
        var streams = new SessionStreams(server.Client, session.Id, new LineReport(call.Report.Line, status.Lost, _ => status.Back(), call.Here.Time), call.Here.Time);
        await using var stream = await streams.OpenAsync(request(RawTerminal.Size), ct);
        using var terminal = RawTerminal.Take();
        using var process = new RemoteProcess(stream, call.Here, terminal);
        status.Spoilt += process.Redraw;
        return (await process.RunAsync(ct), process.Name);
    }

    /// <summary>With standard streams as they are; signals are passed on.</summary>
    public static async Task<RemoteEnd> WithStreamsAsync(Call call, Server server, SessionView session, ExecRequest request, CancellationToken ct)
    {
        var streams = new SessionStreams(server.Client, session.Id, new LineReport(call.Report.Line, call.Here.Time), call.Here.Time);
        await using var stream = await streams.OpenAsync(request, ct);
        using var process = new RemoteProcess(stream, call.Here, null);
        var signals = s_passedOn.Select(passed => PosixSignalRegistration.Create(passed.Signal, context =>
        {
            context.Cancel = true;
            process.Signal(passed.Number);
        })).ToList();
        try
        {
            // Ctrl-C is for the command in the session, which may take its time.
            return await process.RunAsync(CancellationToken.None);
        }
        finally
        {
            signals.ForEach(signal => signal.Dispose());
        }
    }
}
