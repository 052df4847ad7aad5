using Berth.Contracts.Services;
using Berth.Core;

namespace Berth.Agent.Services.Processes;

/// <summary>One client's look at a terminal.</summary>
/// <param name="terminal">Which.</param>
/// <param name="isNew">Nothing was shown before.</param>
internal sealed class TerminalViewer(Terminal terminal, bool isNew)
{
    private const long Unknown = -1;
    private const int End = 16 * 1024;

    private readonly Wakeup _more = new();
    private long _offset = isNew ? 0 : Unknown;
    private int _showEnd;
    private volatile bool _left;

    /// <summary>How far the client has it.</summary>
    public long Offset => Volatile.Read(ref _offset);

    /// <summary>It takes nothing for the moment, and nobody waits for it.</summary>
    public bool IsStalled { get; set; }

    /// <summary>There is more to show, or no more at all.</summary>
    public void Wake() => _more.Set();

    /// <summary>The client's screen was spoilt: it gets the end of what was shown again.</summary>
    public void ShowEnd()
    {
        Volatile.Write(ref _showEnd, 1);
        Wake();
    }

    /// <summary>Another client has come.</summary>
    public bool IsTakenOver { get; private set; }

    /// <summary>Another client comes.</summary>
    public void TakeOver()
    {
        IsTakenOver = true;
        Leave();
    }

    /// <summary>It is not looked at any more.</summary>
    public void Leave()
    {
        _left = true;
        Wake();
    }

    /// <summary>Shows what is kept and what comes, until the shell has ended or the client leaves.</summary>
    /// <returns>Whether the shell has ended.</returns>
    public async Task<bool> ShowAsync(ProcessFrames frames, CancellationToken ct)
    {
        var buffer = new byte[ProcessFrames.MaximumPayload];
        while (!_left)
        {
            // Asked before the last look: what was shown until then is in it.
            var over = terminal.Over.IsCompleted;
            var again = Interlocked.Exchange(ref _showEnd, 0) == 1;
            var (offset, count) = terminal.Read(again ? Math.Max(0, _offset - End) : Math.Max(0, _offset), buffer);
            var bytes = buffer.AsMemory(0, count);
            if (again || offset != _offset)
            {
                // What it begins with may be the end of a line, a letter or a command to the terminal.
                var cut = offset == 0 ? 0 : bytes.Span.IndexOf((byte)'\n') + 1;
                (offset, bytes) = (offset + cut, bytes[cut..]);
                await frames.WriteAsync(ProcessFrameKind.Clear, default, ct);
            }
            if (bytes.Length > 0)
                await frames.WriteAsync(ProcessFrameKind.Output, bytes, ct);
            Volatile.Write(ref _offset, offset + bytes.Length);
            IsStalled = false;
            terminal.Progress();
            if (count > 0)
                continue;
            if (over)
                return true;
            await _more.WaitAsync(ct);
        }
        return false;
    }
}
