namespace Berth.Tunnel.Resumable;

/// <summary>
/// A byte stream that outlives what carries it: no byte is lost or doubled while one carrier after the other dies. What
/// either side holds for it is bounded by the windows. A read or write waits while there is no carrier, and throws
/// <see cref="StreamLostException"/> once the stream is over before its end.
/// <para>A dispose before both directions have ended is a reset: <see cref="DeliveredAsync"/> waits for the end.</para>
/// </summary>
/// <remarks>
/// Its state is kept under one lock, a half for each direction (<see cref="SendingSide"/>, <see cref="ReceivingSide"/>): here is
/// what its reader and writer do, in the other part what its carriers do. <see cref="CarrierRun"/> moves bytes between it and one
/// carrier at a time; <see cref="ResumableClient"/> and <see cref="ResumableHost"/> give it carriers.
/// </remarks>
public sealed partial class ResumableStream : DuplexStream
{
    private static readonly TimeSpan s_lastWordWithin = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly SendingSide _sending = new();
    private readonly ReceivingSide _receiving;
    private readonly Signal _readable = new();
    private readonly Signal _writable = new();
    private readonly Signal _sendable = new();
    private readonly TaskCompletionSource _delivered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _lost = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly ResumableOptions _options;
    private readonly ITimer _hold;
    private TimeSpan _holding;
    private CancellationTokenSource? _carrier;
    private StreamLostException? _failure;
    private string? _resetReason;
    private bool _ackDue;
    private bool _pingDue;

    internal ResumableStream(ResumableOptions options)
    {
        _options = options;
        _receiving = new ReceivingSide(options.Window);
        _holding = options.Hold;
        _hold = options.Time.CreateTimer(
            _ => Fail($"The connection was lost, and did not come back within {_holding.TotalMinutes:0.#} minutes."), null, _holding, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Completes when nothing more will happen: both directions have ended and the peer knows, or the stream is lost.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Cancelled when the stream is lost: whoever serves it need not go on.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Why it was lost; null: it was not.</summary>
    public string? Failure => _failure?.Message;

    /// <summary>Whether a carrier has it now: without one it waits for the next.</summary>
    public bool IsCarried => Volatile.Read(ref _carrier) is not null;

    /// <summary>Why it cannot go on, for the other side; null: it can, or has come to its end.</summary>
    internal string? Refusal => _resetReason ?? _failure?.Message;

    /// <summary>What this side has of the other direction, its end included.</summary>
    internal long Received
    {
        get
        {
            lock (_lock)
                return _receiving.Received;
        }
    }

    /// <summary>Bytes held for another carrier, for tests of the bound.</summary>
    internal long Held
    {
        get
        {
            lock (_lock)
                return _sending.Held + _receiving.Held;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            lock (_lock)
            {
                if (_failure is not null)
                    throw Again(_failure);
                if (!_receiving.IsEmpty)
                    return Take(buffer.Span);
                if (_receiving.HasEnd)
                    return 0;
            }
            await _readable.WaitAsync(cancellationToken);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            lock (_lock)
            {
                if (_failure is not null)
                    throw Again(_failure);
                buffer = buffer[_sending.Append(buffer.Span)..];
                _sendable.Set();
            }
            if (buffer.IsEmpty)
                return;
            await _writable.WaitAsync(cancellationToken);
        }
    }

    public override Task CompleteWritesAsync(CancellationToken ct = default)
    {
        lock (_lock)
        {
            _sending.End();
            _sendable.Set();
        }
        return Task.CompletedTask;
    }

    /// <summary>Waits until the peer's reader has taken everything that was written, its end included.</summary>
    /// <exception cref="StreamLostException">It never will.</exception>
    public Task DeliveredAsync(CancellationToken ct = default) => _delivered.Task.WaitAsync(ct);

    public override void Abort() => Abort("The other side closed the connection.");

    /// <summary>Ends both directions at once, and tells the peer why.</summary>
    public void Abort(string reason)
    {
        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
                return;
            _resetReason = reason;
        }
        Fail("The connection was closed on this side.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Abort();
        base.Dispose(disposing);
    }

    public override async ValueTask DisposeAsync()
    {
        Abort();
        // The carrier gets a moment for the last word.
        if (await _turn.WaitAsync(s_lastWordWithin))
            _turn.Release();
        await base.DisposeAsync();
    }

    /// <summary>The stream will not go on.</summary>
    internal void Fail(string reason)
    {
        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
                return;
            _failure = new StreamLostException(reason);
            _delivered.TrySetException(_failure);
            _ = _delivered.Task.Exception;
            End();
        }
        // Whoever listens runs elsewhere, not under the lock of whoever failed it.
        _ = _lost.CancelAsync();
    }

    private int Take(Span<byte> into)
    {
        var count = _receiving.Read(into);
        if (_receiving.HasNewsToTell)
        {
            _ackDue = true;
            _sendable.Set();
        }
        FinishWhereDone();
        return count;
    }

    private void FinishWhereDone()
    {
        if (_delivered.Task.IsCompletedSuccessfully && _receiving.IsTaken && !_ended.Task.IsCompleted)
            End();
    }

    // Under the lock.
    private void End()
    {
        _hold.Dispose();
        _sending.Clear();
        _receiving.Clear();
        _ended.TrySetResult();
        _readable.Set();
        _writable.Set();
        _sendable.Set();
    }

    private static StreamLostException Again(StreamLostException failure) => new(failure.Message, failure);
}
