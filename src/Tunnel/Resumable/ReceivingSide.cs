namespace Berth.Tunnel.Resumable;

/// <summary>
/// What one side of a stream hears: the peer's bytes, then its end, which counts as one more; and how much of it the reader
/// has taken, which the peer is told. Not safe for threads; its stream's lock is.
/// </summary>
/// <param name="window">How much it holds for its reader.</param>
internal sealed class ReceivingSide(int window)
{
    private readonly ReceiveQueue _queue = new();
    private long _received;
    private long _consumed;
    private long _acknowledged;

    /// <summary>Whether the peer has said its end.</summary>
    public bool HasEnd { get; private set; }

    /// <summary>Whether nothing waits for the reader.</summary>
    public bool IsEmpty => _queue.IsEmpty;

    /// <summary>Whether the reader has taken everything, the end included.</summary>
    public bool IsTaken => HasEnd && _queue.IsEmpty;

    /// <summary>What the peer need not say again.</summary>
    public long Received => _received + (HasEnd ? 1 : 0);

    /// <summary>Bytes that wait for the reader, for tests of the bound.</summary>
    public long Held => _received - _consumed;

    /// <summary>Whether the reader has taken anything yet.</summary>
    public bool HasTaken => Taken > 0;

    /// <summary>Whether the reader has taken more than the peer was told.</summary>
    public bool HasNews => Taken != _acknowledged;

    /// <summary>Whether the peer is to be told now: an eighth of the window is little to wait for on a long line; of the end, at once.</summary>
    public bool HasNewsToTell => _consumed - _acknowledged >= window / 8 || IsTaken;

    private long Taken => _consumed + (IsTaken ? 1 : 0);

    /// <summary>Takes in a part of a DATA frame.</summary>
    /// <exception cref="ProtocolException">It is more than the peer may send.</exception>
    public void Add(Block block, int start, int count)
    {
        if (HasEnd || _received + count - _consumed > window)
            throw new ProtocolException("The other side sends more than it may.");
        _received += count;
        _queue.Add(block, start, count);
    }

    /// <summary>Takes in the peer's end.</summary>
    public void End() => HasEnd = true;

    /// <summary>Gives the reader what fits.</summary>
    /// <returns>How much.</returns>
    public int Read(Span<byte> into)
    {
        var count = _queue.Read(into);
        _consumed += count;
        return count;
    }

    /// <summary>Tells the peer what the reader has taken.</summary>
    /// <returns>Bytes written.</returns>
    public int WriteAck(Span<byte> control)
    {
        _acknowledged = Taken;
        return Outgoing.WriteAck(control, _acknowledged);
    }

    /// <summary>Gives everything back.</summary>
    public void Clear() => _queue.Clear();
}
