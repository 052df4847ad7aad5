using Berth.Agent.Unix;
using Berth.Contracts.Services;
using Berth.Core;

namespace Berth.Agent.Services.Processes;

/// <summary>
/// A shell at a terminal, which goes on whether a client looks at it or not. The end of what it showed is kept: a client that
/// comes, or that fell too far behind, gets a cleared screen and what is kept.
/// </summary>
internal sealed class Terminal : IDisposable
{
    private const int Kept = 256 * 1024;
    // A client that reads is waited for, so that it misses nothing; one whose line is cut is not, for longer than this.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly ByteRing _shown = new(Kept);
    private readonly PseudoTerminal _terminal;
    private readonly Child _shell;
    private readonly TimeProvider _time;
    private readonly long _opened;
    private readonly Wakeup _progress = new();
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TerminalViewer? _viewer;
    private int _viewers;

    public Terminal(string name, PseudoTerminal terminal, Child shell, TimeProvider time)
    {
        (Name, _terminal, _shell, _time, _opened) = (name, terminal, shell, time, time.GetTimestamp());
        _ = PumpAsync();
    }

    public string Name { get; }

    /// <summary>The shell's exit code.</summary>
    public Task<int> Exited => _shell.Exited;

    /// <summary>Completes when the shell has ended and all it said is kept.</summary>
    public Task Over => _over.Task;

    /// <summary>What is typed.</summary>
    public Descriptor Input => _terminal.Input;

    public TerminalView View => new(Name, ProgramOf(_terminal.Foreground), (long)_time.GetElapsedTime(_opened).TotalSeconds, Volatile.Read(ref _viewer) is not null);

    /// <summary>Lets a client look at it in place of who did.</summary>
    public TerminalViewer Attach(TerminalSize size)
    {
        // The first one's screen is as new as the terminal.
        var viewer = new TerminalViewer(this, isNew: Interlocked.Increment(ref _viewers) == 1);
        Interlocked.Exchange(ref _viewer, viewer)?.TakeOver();
        _terminal.Resize(size);
        Redraw();
        return viewer;
    }

    /// <summary>Lets a program that fills the screen draw it again.</summary>
    public void Redraw() => _terminal.Redraw();

    /// <summary>The client goes.</summary>
    public void Detach(TerminalViewer viewer)
    {
        Interlocked.CompareExchange(ref _viewer, null, viewer);
        _progress.Set();
    }

    public void Resize(TerminalSize size) => _terminal.Resize(size);

    /// <summary>What was shown from an offset on, or from the first byte that is kept.</summary>
    public (long Offset, int Count) Read(long offset, Span<byte> into)
    {
        lock (_lock)
            return _shown.Read(offset, into);
    }

    /// <summary>The client has more of it.</summary>
    public void Progress() => _progress.Set();

    public void Dispose() => _terminal.Dispose();

    private async Task PumpAsync()
    {
        var buffer = new byte[16 * 1024];
        while (await _terminal.Output.ReadAsync(buffer, _shell.Exited) is > 0 and var count)
        {
            lock (_lock)
                _shown.Add(buffer.AsSpan(0, count));
            Volatile.Read(ref _viewer)?.Wake();
            await WaitForViewerAsync();
        }
        await _shell.Exited;
        _over.SetResult();
        Volatile.Read(ref _viewer)?.Wake();
    }

    private async Task WaitForViewerAsync()
    {
        while (Volatile.Read(ref _viewer) is { IsStalled: false } viewer && Ahead(viewer) > Kept / 2)
        {
            using var late = new CancellationTokenSource(s_patience, _time);
            try
            {
                await _progress.WaitAsync(late.Token);
            }
            catch (OperationCanceledException)
            {
                viewer.IsStalled = true;
            }
        }
    }

    private long Ahead(TerminalViewer viewer)
    {
        lock (_lock)
            return _shown.End - viewer.Offset;
    }

    private static string ProgramOf(int pid)
    {
        try
        {
            return pid == 0 ? "" : File.ReadAllText($"/proc/{pid}/comm").Trim();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
