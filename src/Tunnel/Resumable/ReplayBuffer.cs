using System.Buffers;
using System.Buffers.Binary;

namespace Berth.Tunnel.Resumable;

/// <summary>
/// What was written and the peer's reader has not taken yet, as frames that go onto a carrier as they are: one copy, made
/// when it is written. A frame that has not been sent yet still grows, so that many small writes become few frames; frames
/// lie behind each other in pooled chunks, each behind its header, so that small ones cost little more than their bytes. Not
/// safe for threads; its stream's lock is.
/// </summary>
internal sealed class ReplayBuffer
{
    private const int SmallChunk = 512;
    private const int NoFrame = -1;

    private Chunk? _first;
    private Chunk? _last;
    private Chunk? _next;
    private int _nextAt;
    private Chunk? _inFlight;
    private int _inFlightAt;
    private long _released;
    private long _sent;

    /// <summary>A pooled array of frames. The last one's header is written once it is sent.</summary>
    private sealed class Chunk(int size, long sequence)
    {
        public byte[] Bytes { get; } = ArrayPool<byte>.Shared.Rent(size);

        /// <summary>Header of the first frame that is kept.</summary>
        public int Start { get; set; }

        public int End { get; set; }

        /// <summary>Header of the frame that still grows; <see cref="NoFrame"/>: the next byte begins one.</summary>
        public int Growing { get; set; } = NoFrame;

        /// <summary>Number of the first byte of the first frame.</summary>
        public long Sequence { get; set; } = sequence;

        public Chunk? Next { get; set; }

        public int Limit => Math.Min(Bytes.Length, ResumableWire.MaximumFrame);

        public bool HasRoom => End + (Growing == NoFrame ? ResumableWire.HeaderLength : 0) < Limit;

        public int PayloadAt(int frame) =>
            frame == Growing ? End - frame - ResumableWire.HeaderLength : BinaryPrimitives.ReadInt32BigEndian(Bytes.AsSpan(frame + 1));

        public void WriteHeader(int frame, int payload) => ResumableWire.WriteHeader(Bytes.AsSpan(frame), FrameType.Data, payload);
    }

    /// <summary>Bytes that the peer takes ahead of its reader; 0 before it has said so.</summary>
    public int Window { get; set; }

    /// <summary>Bytes written so far.</summary>
    public long Written { get; private set; }

    /// <summary>Bytes that the peer's reader has taken.</summary>
    public long Acknowledged { get; private set; }

    /// <summary>Bytes held, for tests of the bound.</summary>
    public long Held => Written - _released;

    /// <summary>Memory that they take: at most twice the window, or one chunk.</summary>
    public long Memory { get; private set; }

    /// <summary>Takes as much as the window, and the memory for it, admits.</summary>
    /// <returns>How much.</returns>
    public int Append(ReadOnlySpan<byte> bytes)
    {
        var room = (int)Math.Min(bytes.Length, Window - (Written - Acknowledged));
        bytes = bytes[..Math.Max(room, 0)];
        var taken = 0;
        while (taken < bytes.Length && ChunkWithRoom(bytes.Length - taken) is { } chunk)
        {
            if (chunk.Growing == NoFrame)
            {
                chunk.Growing = chunk.End;
                chunk.End += ResumableWire.HeaderLength;
            }
            var part = bytes.Slice(taken, Math.Min(bytes.Length - taken, chunk.Limit - chunk.End));
            part.CopyTo(chunk.Bytes.AsSpan(chunk.End));
            chunk.End += part.Length;
            taken += part.Length;
            Written += part.Length;
        }
        return taken;
    }

    /// <summary>The next frame to send; <see cref="Sent"/> has to follow once it is.</summary>
    public ReadOnlyMemory<byte> TakeNext()
    {
        if (_next is { Next: { } behind } passed && _nextAt == passed.End)
            (_next, _nextAt) = (behind, behind.Start);
        if (_next is not { } chunk || _nextAt == chunk.End)
            return default;
        var (frame, payload) = (_nextAt, chunk.PayloadAt(_nextAt));
        chunk.WriteHeader(frame, payload);
        if (frame == chunk.Growing)
            chunk.Growing = NoFrame;
        (_inFlight, _inFlightAt) = (chunk, frame);
        _nextAt += ResumableWire.HeaderLength + payload;
        _sent += payload;
        return chunk.Bytes.AsMemory(frame, ResumableWire.HeaderLength + payload);
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
        if (_first is { } chunk && chunk.Sequence < received)
        {
            // It has the beginning of this frame: a new header goes over the last bytes of that.
            var (payload, skipped) = (chunk.PayloadAt(chunk.Start), (int)(received - chunk.Sequence));
            chunk.Start += skipped;
            chunk.WriteHeader(chunk.Start, payload - skipped);
            chunk.Sequence = _released = received;
        }
        (_next, _nextAt) = (_first, _first?.Start ?? 0);
        _sent = received;
    }

    /// <summary>Gives everything back.</summary>
    public void Clear()
    {
        // What a carrier is writing just now is left to the collector.
        for (; _first is { } chunk; _first = chunk.Next)
        {
            if (chunk != _inFlight)
                ArrayPool<byte>.Shared.Return(chunk.Bytes);
        }
        _next = _last = _inFlight = null;
        Memory = 0;
        _released = Written;
    }

    /// <returns>Null: it would take more memory than is meant for it.</returns>
    private Chunk? ChunkWithRoom(int wanted)
    {
        if (_last is { HasRoom: true } open)
            return open;
        // Enough of them that the peer has had a quarter of its window, and says so, before there is no memory for more.
        var largest = Math.Clamp(Window / 8, SmallChunk, ResumableWire.MaximumFrame);
        // Whoever fills chunks faster than they are sent will fill the next one, too.
        var size = _last is { Growing: not NoFrame } ? largest
            : Math.Clamp(wanted + ResumableWire.HeaderLength, Math.Min(_last?.Bytes.Length * 2 ?? SmallChunk, largest), largest);
        if (_first is not null && Memory + size > 2L * Window)
            return null;
        var chunk = new Chunk(size, Written);
        if (_last is null)
            (_first, _next, _nextAt) = (chunk, chunk, 0);
        else
            _last.Next = chunk;
        _last = chunk;
        Memory += chunk.Bytes.Length;
        return chunk;
    }

    // Only what is sent and not being written can be freed: a peer may say anything.
    private void Release(long upTo)
    {
        while (_first is { } chunk)
        {
            while (chunk.Start < chunk.End)
            {
                if (chunk == _next && chunk.Start == _nextAt || chunk == _inFlight && chunk.Start == _inFlightAt)
                    return;
                var payload = chunk.PayloadAt(chunk.Start);
                if (chunk.Sequence + payload > upTo)
                    return;
                chunk.Start += ResumableWire.HeaderLength + payload;
                chunk.Sequence = _released = chunk.Sequence + payload;
            }
            Drop(chunk);
        }
    }

    private void Drop(Chunk chunk)
    {
        _first = chunk.Next;
        if (_first is null)
            _last = null;
        if (_next == chunk)
            (_next, _nextAt) = (_first, 0);
        Memory -= chunk.Bytes.Length;
        ArrayPool<byte>.Shared.Return(chunk.Bytes);
    }
}
