namespace Berth.Tunnel.Resumable;

/// <summary>What carriers do with a stream: one at a time takes what is to be sent, and brings what the peer says.</summary>
public sealed partial class ResumableStream
{
    /// <summary>
    /// Takes the place of the carrier before and moves bytes over this one until it is lost, or until all is over. Never
    /// throws for what happens to a carrier; it is closed afterwards.
    /// </summary>
    /// <param name="carrier">The new one.</param>
    /// <param name="handshake">
    /// Says and hears the first words, once <see cref="Received"/> stands still; null: there is nothing to be carried.
    /// </param>
    /// <param name="answer">Hears the rest of the first words, the peer's window, while what fits into the one of the handshake is sent; null: that was all.</param>
    /// <param name="ct">Gives this carrier up.</param>
    /// <returns>Whether the first words were said.</returns>
    internal async Task<bool> CarryAsync(
        Stream carrier, Func<CancellationToken, Task<(long Received, int Window)?>> handshake, Func<CancellationToken, Task<int>>? answer, CancellationToken ct)
    {
        using var mine = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (Interlocked.Exchange(ref _carrier, mine) is { } earlier)
            await CancelAsync(earlier);
        await _turn.WaitAsync(CancellationToken.None);
        var (begun, closed) = (false, false);
        try
        {
            if (mine.IsCancellationRequested || await handshake(mine.Token) is not { } peer)
                return false;
            Begin(peer.Received, peer.Window);
            begun = true;
            closed = await new CarrierRun(this, carrier, answer, _options).RunAsync(mine.Token);
            return true;
        }
        finally
        {
            Interlocked.CompareExchange(ref _carrier, null, mine);
            if (begun)
                HoldOn(closed);
            _turn.Release();
        }
    }

    /// <summary>The peer takes this much ahead of its reader.</summary>
    internal void Widen(int window)
    {
        lock (_lock)
        {
            _sending.Window = window;
            _writable.Set();
            _sendable.Set();
        }
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
                filled += _receiving.WriteAck(control);
                _ackDue = false;
            }
            if (_pingDue)
            {
                filled += Outgoing.WriteEmpty(control[filled..], FrameType.Ping);
                _pingDue = false;
            }
            var data = _sending.TakeData();
            if (data.IsEmpty && _sending.TakeEnd())
                filled += Outgoing.WriteEmpty(control[filled..], FrameType.Fin);
            var last = _ended.Task.IsCompleted;
            return filled == 0 && data.IsEmpty && !last ? null : new Outgoing(filled, data, last);
        }
    }

    /// <summary>What was taken is with the carrier.</summary>
    internal void OutgoingSent()
    {
        lock (_lock)
        {
            _sending.Sent();
            _writable.Set();
        }
    }

    internal Task ToSendAsync(CancellationToken ct) => _sendable.WaitAsync(ct);

    /// <summary>A part of a DATA frame.</summary>
    internal void OnData(Block block, int start, int count)
    {
        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
                return;
            _receiving.Add(block, start, count);
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
            if (onlyWhereDue && !_receiving.HasNews)
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
            if (_ended.Task.IsCompleted)
            {
                // All that is left to say is that it is over.
                _ackDue = _resetReason is null;
                _sendable.Set();
                return;
            }
            _sending.Begin(peerReceived, peerWindow);
            _hold.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _ackDue = _receiving.HasTaken;
            _pingDue = false;
            _writable.Set();
            _sendable.Set();
        }
    }

    // From here on, not from a carrier that came to nothing: those could go on for ever.
    private void HoldOn(bool closed)
    {
        lock (_lock)
        {
            _holding = closed ? _options.HoldOfClosed ?? _options.Hold : _options.Hold;
            if (!_ended.Task.IsCompleted)
                _hold.Change(_holding, Timeout.InfiniteTimeSpan);
        }
    }

    private void EndOfPeer()
    {
        lock (_lock)
        {
            _receiving.End();
            if (_receiving.IsEmpty)
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
            if (_sending.Acknowledge(upTo))
                _delivered.TrySetResult();
            _writable.Set();
            FinishWhereDone();
        }
    }
}
