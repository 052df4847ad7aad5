using Berth.Contracts.Services;
using Berth.Tunnel;

namespace Berth.Server.Connections;

/// <summary>
/// Carries a terminal to a page, no faster than the page shows it: a browser's WebSocket takes whatever comes, and keeps it in
/// memory. The page says how many bytes it has shown (<see cref="ProcessFrameKind.Shown"/>), and asks whether anybody hears it:
/// a browser does not tell it that its line is dead.
/// </summary>
/// <param name="page">The page.</param>
/// <param name="terminal">The terminal.</param>
/// <param name="window">Bytes that may be on their way to the page.</param>
internal sealed class ShownWindow(DuplexStream page, DuplexStream terminal, int window) : IDisposable
{
    private readonly ProcessFrames _page = new(page);
    private readonly ProcessFrames _terminal = new(terminal);
    private readonly Lock _lock = new();
    private long _room = window;
    private TaskCompletionSource? _more;
    private bool _isOver;

    /// <summary>Passes frames both ways until both have ended.</summary>
    /// <exception cref="IOException">One was aborted; the other has been, too.</exception>
    public async Task PassAsync(CancellationToken ct)
    {
        using var registration = ct.UnsafeRegister(_ => AbortBoth(), null);
        // A page asks where it has heard that it is answered.
        await OrAbortAsync(_page.WriteAsync(ProcessFrameKind.Pong, default, ct));
        await Task.WhenAll(OrAbortAsync(HearAsync(ct)), OrAbortAsync(ShowAsync(ct)));
    }

    public void Dispose()
    {
        _page.Dispose();
        _terminal.Dispose();
    }

    private async Task HearAsync(CancellationToken ct)
    {
        try
        {
            while (await _page.ReadAsync(ct) is { } frame)
            {
                if (frame is { Kind: ProcessFrameKind.Shown, Payload.Length: >= 4 })
                    Widen(ProcessFrames.Number(frame.Payload));
                else if (frame.Kind == ProcessFrameKind.Ping)
                    await _page.WriteAsync(ProcessFrameKind.Pong, default, ct);
                else
                    await _terminal.WriteAsync(frame.Kind, frame.Payload, ct);
            }
        }
        finally
        {
            // Who has gone shows nothing any more.
            End();
        }
        await terminal.CompleteWritesAsync(ct);
    }

    private async Task ShowAsync(CancellationToken ct)
    {
        while (await _terminal.ReadAsync(ct) is { } frame)
        {
            await RoomAsync(ProcessFrames.Head + frame.Payload.Length);
            await _page.WriteAsync(frame.Kind, frame.Payload, ct);
        }
        await page.CompleteWritesAsync(ct);
    }

    // Where there is any room a frame passes, so that a window is never too small.
    private async ValueTask RoomAsync(int bytes)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (_isOver || _room > 0)
                {
                    _room -= bytes;
                    return;
                }
                _more ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                more = _more.Task;
            }
            await more;
        }
    }

    private void Widen(int bytes)
    {
        lock (_lock)
        {
            _room += Math.Max(0, bytes);
            _more?.TrySetResult();
            _more = null;
        }
    }

    private void End()
    {
        lock (_lock)
            _isOver = true;
        Widen(0);
    }

    private async Task OrAbortAsync(Task passing)
    {
        try
        {
            await passing;
        }
        catch
        {
            AbortBoth();
            throw;
        }
    }

    private void AbortBoth()
    {
        page.Abort();
        terminal.Abort();
    }
}
