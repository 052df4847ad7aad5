namespace Berth.Tunnel.Resumable;

/// <summary>
/// A byte stream that outlives what carries it: no byte is lost or doubled while one carrier after the other dies. What
/// either side holds for it is bounded by the windows. A read or write waits while there is no carrier, and throws
/// <see cref="StreamLostException"/> once the stream is over before its end.
/// <para>A dispose before both directions have ended is a reset: <see cref="DeliveredAsync"/> waits for the end.</para>
/// </summary>
/// <remarks>
/// Its state is kept here under one lock; <see cref="CarrierRun"/> moves bytes between it and one carrier at a time;
/// <see cref="ResumableClient"/> and <see cref="ResumableHost"/> give it carriers.
/// </remarks>
public sealed class ResumableStream : DuplexStream
{
    private static readonly TimeSpan s_lastWordWithin = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly ReplayBuffer _replay = new();
    private readonly ReceiveQueue _queue = new();
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
    private long _received;
    private long _consumed;
    private long _acknowledged;
    private bool _peerEnded;
    private bool _writesEnded;
    private bool _endSent;
    private bool _ackDue;
    private bool _pingDue;

    internal ResumableStream(ResumableOptions options)
    {
        _options = options;
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
                return _received + (_peerEnded ? 1 : 0);
        }
    }

    /// <summary>Bytes held for another carrier, for tests of the bound.</summary>
    internal long Held
    {
        get
        {
            lock (_lock)
                return _replay.Held + (_received - _consumed);
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
                if (!_queue.IsEmpty)
                    return Take(buffer.Span);
                if (_peerEnded)
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
                if (_writesEnded)
                    throw new IOException("The stream was ended by its writer.");
                buffer = buffer[_replay.Append(buffer.Span)..];
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
            _writesEnded = true;
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

    /// <summary>
    /// Takes the place of the carrier before and moves bytes over this one until it is lost, or until all is over. Never
    /// throws for what happens to a carrier; it is closed afterwards.
    /// </summary>
    /// <param name="carrier">The new one.</param>
    /// <param name="handshake">
    /// Says and hears the first words, once <see cref="Received"/> stands still; null: there is nothing to be carried.
    /// </param>
    /// <param name="ct">Gives this carrier up.</param>
    /// <returns>Whether the first words were said.</returns>
    internal async Task<bool> CarryAsync(Stream carrier, Func<CancellationToken, Task<(long Received, int Window)?>> handshake, CancellationToken ct)
    {
        using var mine = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (Interlocked.Exchange(ref _carrier, mine) is { } earlier)
            await CancelAsync(earlier);
        await _turn.WaitAsync(CancellationToken.None);
        var closed = false;
        try
        {
            if (mine.IsCancellationRequested || await handshake(mine.Token) is not { } peer)
                return false;
            Begin(peer.Received, peer.Window);
            closed = await new CarrierRun(this, carrier, _options).RunAsync(mine.Token);
            return true;
        }
        finally
        {
            Interlocked.CompareExchange(ref _carrier, null, mine);
            lock (_lock)
            {
                _holding = closed ? _options.HoldOfClosed ?? _options.Hold : _options.Hold;
                if (!_ended.Task.IsCompleted)
                    _hold.Change(_holding, Timeout.InfiniteTimeSpan);
            }
            _turn.Release();
        }
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

    /// <summary>What to put onto the carrier next: control frames into the buffer, then at most one frame of data.</summary>
    /// <returns>Null: wait for <see cref="ToSendAsync"/>; a last one: the stream is over.</returns>
    internal Outgoing? TakeOutgoing(Span<byte> control)
    {
        lock (_lock)
        {
            if (_resetReason is { } reason)
                return new Outgoing(Outgoing.WriteReset(control, reason), default, IsLast: true);
            var filled = 0;
            if (_ackDue)
            {
                filled += Outgoing.WriteAck(control, Taken);
                _acknowledged = Taken;
                _ackDue = false;
            }
            if (_pingDue)
            {
                filled += Outgoing.WriteEmpty(control[filled..], FrameType.Ping);
                _pingDue = false;
            }
            var data = _replay.TakeNext();
            if (data.IsEmpty && _writesEnded && !_endSent)
            {
                filled += Outgoing.WriteEmpty(control[filled..], FrameType.Fin);
                _endSent = true;
            }
            var last = _ended.Task.IsCompleted;
            return filled == 0 && data.IsEmpty && !last ? null : new Outgoing(filled, data, last);
        }
    }

    /// <summary>What was taken is with the carrier.</summary>
    internal void OutgoingSent()
    {
        lock (_lock)
            _replay.Sent();
    }

    internal Task ToSendAsync(CancellationToken ct) => _sendable.WaitAsync(ct);

    /// <summary>A part of a DATA frame.</summary>
    internal void OnData(Block block, int start, int count)
    {
        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
                return;
            if (_peerEnded || _received + count - _consumed > _options.Window)
                throw new ProtocolException("The other side sends more than it may.");
            _received += count;
            _queue.Add(block, start, count);
            _readable.Set();
        }
    }

    /// <summary>Any other frame.</summary>
    internal void OnControl(FrameType type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case FrameType.Ack:
                Acknowledge(Outgoing.ReadAck(payload));
                break;
            case FrameType.Fin:
                EndOfPeer();
                break;
            case FrameType.Ping:
                AckSoon(onlyWhereDue: false);
                break;
            case FrameType.Reset:
                Fail(Outgoing.ReadReset(payload));
                break;
            default:
                throw new ProtocolException($"A frame of the unknown type {(int)type}.");
        }
    }

    /// <summary>Says what was taken, which also says that somebody is here.</summary>
    internal void AckSoon(bool onlyWhereDue)
    {
        lock (_lock)
        {
            if (onlyWhereDue && Taken == _acknowledged)
                return;
            _ackDue = true;
            _sendable.Set();
        }
    }

    internal void PingSoon()
    {
        lock (_lock)
        {
            _pingDue = true;
            _sendable.Set();
        }
    }

    internal void Release(Block block)
    {
        lock (_lock)
            block.Release();
    }

    // What this side's reader has taken; the end counts as one more, once nothing is before it.
    private long Taken => _consumed + (_peerEnded && _queue.IsEmpty ? 1 : 0);

    private static async Task CancelAsync(CancellationTokenSource earlier)
    {
        try
        {
            await earlier.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself just now.
        }
    }

    private void Begin(long peerReceived, int peerWindow)
    {
        lock (_lock)
        {
            _hold.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            if (_ended.Task.IsCompleted)
            {
                // All that is left to say is that it is over.
                _ackDue = _resetReason is null;
                _sendable.Set();
                return;
            }
            var endReceived = _endSent && peerReceived == _replay.Written + 1;
            _replay.Window = peerWindow;
            _replay.Rewind(endReceived ? peerReceived - 1 : peerReceived);
            _endSent = endReceived;
            _ackDue = Taken > 0;
            _pingDue = false;
            _writable.Set();
            _sendable.Set();
        }
    }

    private int Take(Span<byte> into)
    {
        var count = _queue.Read(into);
        _consumed += count;
        // A quarter of the window is enough for the peer never to wait; the end is told at once.
        if (_consumed - _acknowledged >= _options.Window / 4 || (_peerEnded && _queue.IsEmpty))
        {
            _ackDue = true;
            _sendable.Set();
        }
        FinishWhereDone();
        return count;
    }

    private void EndOfPeer()
    {
        lock (_lock)
        {
            _peerEnded = true;
            if (_queue.IsEmpty)
                _ackDue = true;
            _readable.Set();
            _sendable.Set();
            FinishWhereDone();
        }
    }

    private void Acknowledge(long upTo)
    {
        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
                return;
            var all = _endSent && upTo == _replay.Written + 1;
            _replay.Acknowledge(all ? upTo - 1 : upTo);
            if (all)
                _delivered.TrySetResult();
            _writable.Set();
            FinishWhereDone();
        }
    }

    private void FinishWhereDone()
    {
        if (_delivered.Task.IsCompletedSuccessfully && _peerEnded && _queue.IsEmpty && !_ended.Task.IsCompleted)
            End();
    }

    // Under the lock.
    private void End()
    {
        _hold.Dispose();
        _replay.Clear();
        _queue.Clear();
        _ended.TrySetResult();
        _readable.Set();
        _writable.Set();
        _sendable.Set();
    }

    private static StreamLostException Again(StreamLostException failure) => new(failure.Message, failure);
}
