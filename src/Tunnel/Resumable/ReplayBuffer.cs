using System.Buffers;

namespace Berth.Tunnel.Resumable;

/// <summary>
/// What was written and the peer's reader has not taken yet, as frames that go onto a carrier as they are: one copy, made
/// when it is written. A frame that has not been sent yet still grows, so that many small writes become few frames. Not
/// safe for threads; its stream's lock is.
/// </summary>
internal sealed class ReplayBuffer
{
    private const int SmallFrame = 512;

    private Frame? _first;
    private Frame? _next;
    private Frame? _last;
    private Frame? _inFlight;
    private long _released;
    private long _sent;

    private sealed class Frame(byte[] bytes, long sequence)
    {
        public byte[] Bytes { get; } = bytes;

        /// <summary>Where the header begins.</summary>
        public int Start { get; set; }

        public int End { get; set; } = ResumableWire.HeaderLength;

        /// <summary>Number of the first byte behind the header.</summary>
        public long Sequence { get; set; } = sequence;

        public bool Sealed { get; set; }

        public Frame? Next { get; set; }

        public int Payload => End - Start - ResumableWire.HeaderLength;
    }

    /// <summary>Bytes that the peer takes ahead of its reader; 0 before it has said so.</summary>
    public int Window { get; set; }

    /// <summary>Bytes written so far.</summary>
    public long Written { get; private set; }

    /// <summary>Bytes that the peer's reader has taken.</summary>
    public long Acknowledged { get; private set; }

    /// <summary>Bytes held, for tests of the bound.</summary>
    public long Held => Written - _released;

    /// <summary>Takes as much as the window admits.</summary>
    /// <returns>How much.</returns>
    public int Append(ReadOnlySpan<byte> bytes)
    {
        var room = (int)Math.Min(bytes.Length, Window - (Written - Acknowledged));
        bytes = bytes[..Math.Max(room, 0)];
        var taken = bytes.Length;
        while (bytes.Length > 0)
        {
            var frame = _last is { Sealed: false } open && open.End < open.Bytes.Length ? open : Add(bytes.Length);
            var part = bytes[..Math.Min(bytes.Length, Math.Min(frame.Bytes.Length, ResumableWire.MaximumFrame) - frame.End)];
            part.CopyTo(frame.Bytes.AsSpan(frame.End));
            frame.End += part.Length;
            Written += part.Length;
            bytes = bytes[part.Length..];
        }
        return taken;
    }

    /// <summary>The next frame to send; <see cref="Sent"/> has to follow once it is.</summary>
    public ReadOnlyMemory<byte> TakeNext()
    {
        if (_next is not { } frame)
            return default;
        frame.Sealed = true;
        ResumableWire.WriteHeader(frame.Bytes.AsSpan(frame.Start), FrameType.Data, frame.Payload);
        _inFlight = frame;
        _next = frame.Next;
        _sent = frame.Sequence + frame.Payload;
        return frame.Bytes.AsMemory(frame.Start, frame.End - frame.Start);
    }

    /// <summary>The frame that was taken is with the carrier, or the carrier is gone.</summary>
    public void Sent()
    {
        _inFlight = null;
        Release(Acknowledged);
    }

    /// <summary>The peer's reader has taken everything up to here.</summary>
    /// <exception cref="ProtocolException">It cannot have.</exception>
    public void Acknowledge(long upTo)
    {
        if (upTo > _sent)
            throw new ProtocolException("The other side acknowledges what was not sent.");
        if (upTo <= Acknowledged)
            return;
        Acknowledged = upTo;
        Release(upTo);
    }

    /// <summary>Begins again, on a new carrier, behind what the peer has received.</summary>
    /// <exception cref="ProtocolException">It cannot have, or it had more before.</exception>
    public void Rewind(long received)
    {
        if (received < _released || received > _sent)
            throw new ProtocolException("The other side says that it has what it cannot have.");
        _inFlight = null;
        Release(received);
        if (_first is { } frame && frame.Sequence < received)
        {
            // It has the beginning of this frame: a new header goes over the last bytes of that.
            frame.Start += (int)(received - frame.Sequence);
            frame.Sequence = received;
            _released = received;
        }
        _next = _first;
        _sent = received;
    }

    /// <summary>Gives everything back.</summary>
    public void Clear()
    {
        // What a carrier is writing just now is left to the collector.
        for (; _first is { } frame; _first = frame.Next)
        {
            if (frame != _inFlight)
                ArrayPool<byte>.Shared.Return(frame.Bytes);
        }
        _next = _last = _inFlight = null;
        _released = Written;
    }

    private Frame Add(int wanted)
    {
        // A writer that fills frames faster than they are sent will fill the next one, too.
        var size = _last is { Sealed: false } ? ResumableWire.MaximumFrame
            : Math.Clamp(wanted + ResumableWire.HeaderLength, SmallFrame, ResumableWire.MaximumFrame);
        var frame = new Frame(ArrayPool<byte>.Shared.Rent(size), Written);
        if (_last is null)
            _first = frame;
        else
            _last.Next = frame;
        _last = frame;
        _next ??= frame;
        return frame;
    }

    // Only what is sent and not being written can be freed: a peer may say anything.
    private void Release(long upTo)
    {
        while (_first is { Sealed: true } frame && frame != _inFlight && frame != _next && frame.Sequence + frame.Payload <= upTo)
        {
            _released = frame.Sequence + frame.Payload;
            _first = frame.Next;
            if (_first is null)
                _last = null;
            ArrayPool<byte>.Shared.Return(frame.Bytes);
        }
    }
}
