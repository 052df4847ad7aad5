namespace Berth.Tunnel.Resumable;

/// <summary>
/// What one side of a stream says: its bytes, then the end, which counts as one more. Kept until the peer's reader has taken
/// it. Not safe for threads; its stream's lock is.
/// </summary>
internal sealed class SendingSide
{
    private readonly ReplayBuffer _replay = new();
    private bool _ended;
    private bool _endSent;

    /// <summary>Bytes held, for tests of the bound.</summary>
    public long Held => _replay.Held;

    /// <summary>Bytes that the peer takes ahead of its reader; 0 before that is known.</summary>
    public int Window { set => _replay.Window = value; }

    /// <summary>Takes as much as the peer's window admits.</summary>
    /// <returns>How much.</returns>
    public int Append(ReadOnlySpan<byte> bytes) => _ended ? throw new IOException("The stream was ended by its writer.") : _replay.Append(bytes);

    /// <summary>Nothing is written after this.</summary>
    public void End() => _ended = true;

    /// <summary>Begins again, on a new carrier, behind what the peer has received.</summary>
    /// <exception cref="ProtocolException">It cannot have, or it had more before.</exception>
    public void Begin(long received, int window)
    {
        var endReceived = _endSent && received == _replay.Written + 1;
        Window = window;
        _replay.Rewind(endReceived ? received - 1 : received);
        _endSent = endReceived;
    }

    /// <summary>The next frame of data; <see cref="Sent"/> has to follow once it is.</summary>
    public ReadOnlyMemory<byte> TakeData() => _replay.TakeNext();

    /// <summary>Whether the end is to be said now: all data were taken.</summary>
    public bool TakeEnd()
    {
        if (!_ended || _endSent)
            return false;
        _endSent = true;
        return true;
    }

    /// <summary>The frame that was taken is with the carrier, or the carrier is gone.</summary>
    public void Sent() => _replay.Sent();

    /// <summary>The peer's reader has taken everything up to here.</summary>
    /// <returns>Whether that is all, the end included.</returns>
    /// <exception cref="ProtocolException">It cannot have.</exception>
    public bool Acknowledge(long upTo)
    {
        var all = _endSent && upTo == _replay.Written + 1;
        _replay.Acknowledge(all ? upTo - 1 : upTo);
        return all;
    }

    /// <summary>Gives everything back.</summary>
    public void Clear() => _replay.Clear();
}
