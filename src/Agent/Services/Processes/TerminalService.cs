using System.Globalization;
using System.Text;
using System.Text.Json;
using Berth.Agent.Unix;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services.Processes;

/// <summary>The session's terminals for clients: opens, finds and lists them.</summary>
internal sealed class TerminalService(CommandStarter starter, TimeProvider time) : IService<TerminalRequest>, IService<TerminalsRequest>
{
    private const int MostTerminals = 16;
    private const int LongestName = 64;

    private readonly Lock _lock = new();
    private readonly List<Terminal> _terminals = [];

    public Task<Serving> OpenAsync(TerminalRequest request, CancellationToken ct)
    {
        try
        {
            var terminal = FindOrOpen(request);
            return Task.FromResult<Serving>((stream, lost) => ServeAsync(terminal, request.Size, stream, lost));
        }
        catch (CommandException e)
        {
            return Task.FromResult(ExecService.Failed(e));
        }
    }

    public Task<Serving> OpenAsync(TerminalsRequest request, CancellationToken ct) => Task.FromResult<Serving>(async (stream, lost) =>
    {
        TerminalsNow now;
        lock (_lock)
            now = new TerminalsNow([.. _terminals.Select(terminal => terminal.View)]);
        await stream.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(now, ServiceJson.Default.TerminalsNow), (byte)'\n'], lost);
    });

    private static async Task ServeAsync(Terminal terminal, TerminalSize size, ResumableStream stream, CancellationToken lost)
    {
        using var frames = new ProcessFrames(stream);
        await frames.WriteAsync(ProcessFrameKind.Name, Encoding.UTF8.GetBytes(terminal.Name), lost);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(lost);
        var input = new ProcessInput(terminal.Input, frames);
        var viewer = terminal.Attach(size);
        var hearing = HearAsync(terminal, viewer, stream, frames, input, over.Token);
        var passing = input.PassAsync(over.Token);
        try
        {
            var ended = await viewer.ShowAsync(frames, lost);
            await over.CancelAsync();
            await passing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ended)
                await frames.WriteAsync(ProcessFrameKind.Exit, ProcessFrames.Exit(await terminal.Exited), lost);
            else if (viewer.IsTakenOver)
                await frames.WriteAsync(ProcessFrameKind.TakenOver, default, lost);
        }
        finally
        {
            terminal.Detach(viewer);
            await over.CancelAsync();
            await Task.WhenAll(hearing, passing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task HearAsync(
        Terminal terminal, TerminalViewer viewer, ResumableStream stream, ProcessFrames frames, ProcessInput input, CancellationToken ct)
    {
        try
        {
            while (await frames.ReadAsync(ct) is { } frame)
            {
                if (frame is { Kind: ProcessFrameKind.Input, Payload.Length: > 0 })
                    input.Add(frame.Payload);
                else if (frame.Kind == ProcessFrameKind.Resize)
                    terminal.Resize(ProcessFrames.Size(frame.Payload));
                else if (frame.Kind == ProcessFrameKind.Show)
                {
                    viewer.ShowEnd();
                    terminal.Redraw();
                }
            }
            // Who says no more has left.
            viewer.Leave();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            stream.Abort(e.Message);
        }
    }

    private Terminal FindOrOpen(TerminalRequest request)
    {
        if (request.Name is { } name && (name.Length is 0 or > LongestName || name.Any(char.IsControl)))
            throw new StreamRefusedException($"A terminal's name has 1 to {LongestName} letters.");
        lock (_lock)
        {
            if (_terminals.Find(terminal => terminal.Name == request.Name) is { } found)
                return found;
            if (_terminals.Count >= MostTerminals)
                throw new StreamRefusedException($"The session has {MostTerminals} terminals, which is the most: end some.");
            var opened = Open(request, request.Name ?? NextName());
            _terminals.Add(opened);
            _ = ForgetAsync(opened);
            return opened;
        }
    }

    private Terminal Open(TerminalRequest request, string name)
    {
        var shell = request.Shell is { } wanted ? CommandPath.Find(wanted, starter.Environment["PATH"], "/") : Shells.Find(starter.Environment);
        var pseudo = new PseudoTerminal(request.Size);
        try
        {
            var exec = new ExecRequest
            {
                Command = [shell],
                Terminal = request.Size,
                Term = request.Term,
                Environment = new Dictionary<string, string> { [Shells.Variable] = shell },
            };
            return new Terminal(name, pseudo, starter.Start(exec, new ChildFiles(-1, -1, -1) { Terminal = pseudo.Path }), time);
        }
        catch
        {
            pseudo.Dispose();
            throw;
        }
    }

    private async Task ForgetAsync(Terminal terminal)
    {
        await terminal.Over;
        lock (_lock)
            _terminals.Remove(terminal);
        // Its end hangs up on what still runs there; who looks at it has the last words from memory.
        terminal.Dispose();
    }

    private string NextName()
    {
        var number = 1;
        while (_terminals.Exists(terminal => terminal.Name == number.ToString(CultureInfo.InvariantCulture)))
            number++;
        return number.ToString(CultureInfo.InvariantCulture);
    }
}
