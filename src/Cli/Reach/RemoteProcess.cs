using System.Text;
using Berth.Contracts.Services;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Reach;

/// <summary>How a process in a session ended for this client.</summary>
/// <param name="Code">Its exit code; null: it goes on without this client.</param>
/// <param name="Reason">Why it could not be run.</param>
/// <param name="TakenOver">Another client has its terminal now.</param>
internal sealed record RemoteEnd(int? Code, string? Reason = null, bool TakenOver = false);

/// <summary>Stands for a process in a session: standard streams, terminal and signals of this one are its own.</summary>
internal sealed class RemoteProcess : IDisposable
{
    private const int ReadAtOnce = 32 * 1024;
    private const int NobodyReads = 128 + 13; // SIGPIPE
    private static readonly byte[] s_clear = "\e[0m\e[H\e[2J"u8.ToArray();

    private readonly ProcessFrames _frames;
    private readonly Surroundings _here;
    private readonly RawTerminal? _terminal;
    private readonly SemaphoreSlim _taken = new(0);
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _room = ProcessFrames.InputWindow;

    public RemoteProcess(ResumableStream stream, Surroundings here, RawTerminal? terminal)
    {
        (_frames, _here, _terminal) = (new ProcessFrames(stream), here, terminal);
        if (terminal is not null)
            terminal.Resized += TellSize;
    }

    /// <summary>Its terminal's name in the session.</summary>
    public string? Name { get; private set; }

    /// <summary>Words of a session without what could act on a terminal.</summary>
    public static string Plain(string words) => new([.. words.Where(c => !char.IsControl(c))]);

    /// <summary>Passes a signal on.</summary>
    public void Signal(byte number) => _ = TellAsync(ProcessFrameKind.Signal, new[] { number });

    /// <summary>Something else was written on the screen.</summary>
    public void Redraw() => _ = TellAsync(ProcessFrameKind.Show, default);

    /// <summary>Passes bytes both ways until the process ends or the user leaves it.</summary>
    /// <exception cref="StreamLostException">It was lost.</exception>
    /// <exception cref="CliException">Its output cannot be written.</exception>
    public async Task<RemoteEnd> RunAsync(CancellationToken ct)
    {
        // Reads of standard input cannot be called off: they end with this process.
        _ = Task.Factory.StartNew(PassInputAsync, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var hearing = HearAsync(ct);
        await Task.WhenAny(hearing, _left.Task);
        return hearing.IsCompleted || !_left.Task.IsCompleted ? await hearing : new RemoteEnd(null);
    }

    public void Dispose()
    {
        if (_terminal is not null)
            _terminal.Resized -= TellSize;
    }

    private async Task<RemoteEnd> HearAsync(CancellationToken ct)
    {
        await using var output = _here.BytesOut();
        await using var error = _here.BytesError();
        while (await _frames.ReadAsync(ct) is { } frame)
        {
            switch (frame.Kind)
            {
                case ProcessFrameKind.Output or ProcessFrameKind.Error or ProcessFrameKind.Clear:
                    if (!TryWrite(frame.Kind == ProcessFrameKind.Error ? error : output, frame.Kind == ProcessFrameKind.Clear ? s_clear : frame.Payload.Span))
                        return new RemoteEnd(NobodyReads);
                    break;
                case ProcessFrameKind.Taken:
                    Interlocked.Add(ref _room, ProcessFrames.Number(frame.Payload));
                    _taken.Release();
                    break;
                case ProcessFrameKind.Name:
                    Name = Plain(Encoding.UTF8.GetString(frame.Payload.Span));
                    break;
                case ProcessFrameKind.TakenOver:
                    return new RemoteEnd(null, TakenOver: true);
                case ProcessFrameKind.Exit:
                    var (code, reason) = ProcessFrames.Exit(frame.Payload);
                    return new RemoteEnd(code, reason is null ? null : Plain(reason));
            }
        }
        throw new StreamLostException("The session's agent ended the connection before the command had ended.");
    }

    /// <returns>Whether anybody reads.</returns>
    /// <exception cref="CliException">It is read, and cannot be written: a full disk, for example.</exception>
    private bool TryWrite(Stream to, ReadOnlySpan<byte> bytes)
    {
        try
        {
            to.Write(bytes);
            return true;
        }
        catch (IOException e) when (_terminal is not null || OutputDescriptor.IsUnread(e))
        {
            // A terminal that cannot be written to is gone.
            return false;
        }
        catch (IOException e)
        {
            throw new CliException(ExitCodes.Error, $"What the command in the session says cannot be written here: {e.Message}. The command was ended.");
        }
    }

    private async Task PassInputAsync()
    {
        try
        {
            var escape = _terminal is null ? null : new EscapeKey();
            var (typed, passed) = (new byte[ReadAtOnce], new byte[ReadAtOnce + 1]);
            await using var input = _here.BytesIn();
            while (input.Read(typed) is > 0 and var count)
            {
                if (escape is null)
                    await SendAsync(typed.AsMemory(0, count));
                else if (escape.Pass(typed.AsSpan(0, count), passed, out count))
                {
                    _left.TrySetResult();
                    return;
                }
                else
                    await SendAsync(passed.AsMemory(0, count));
            }
            await TellAsync(ProcessFrameKind.Input, default);
        }
        catch (IOException)
        {
            // Standard input is gone, or the connection: who hears of that says it.
        }
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        while (Volatile.Read(ref _room) < bytes.Length)
            await _taken.WaitAsync();
        Interlocked.Add(ref _room, -bytes.Length);
        await TellAsync(ProcessFrameKind.Input, bytes);
    }

    private void TellSize() => _ = TellAsync(ProcessFrameKind.Resize, ProcessFrames.Size(RawTerminal.Size));

    private async Task TellAsync(ProcessFrameKind kind, ReadOnlyMemory<byte> payload)
    {
        try
        {
            await _frames.WriteAsync(kind, payload, CancellationToken.None);
        }
        catch (IOException)
        {
            // Lost: who hears of it says so.
        }
    }
}
