using System.Buffers.Binary;
using System.Text;

namespace Berth.Files.Wire;

/// <summary>One frame.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Payload">Valid until the next one is read.</param>
internal readonly record struct Frame(FrameKind Kind, ReadOnlyMemory<byte> Payload)
{
    /// <exception cref="IOException">It is shorter than its kind is.</exception>
    public ReadOnlySpan<byte> AtLeast(int length) => Payload.Length >= length ? Payload.Span : throw Frames.Malformed();

    public long Number => BinaryPrimitives.ReadInt64BigEndian(AtLeast(8)) is >= 0 and var number ? number : throw Frames.Malformed();

    public string Words => Disk.Names.Shown(Payload.Span);
}

/// <summary>Reads and writes frames; one reads, and one writes. Small ones travel together.</summary>
internal sealed class Frames(Stream stream)
{
    public const int MaximumPayload = 128 * 1024;

    private const int Head = 5;
    private readonly byte[] _in = new byte[2 * (Head + MaximumPayload)];
    private readonly byte[] _out = new byte[Head + MaximumPayload];
    private int _begin;
    private int _end;
    private int _filled;

    public static IOException Malformed() => new("The other side sent something that is no frame of files.");

    /// <summary>The next frame; null: there are no more.</summary>
    /// <exception cref="IOException">It is none, or cut off.</exception>
    public async ValueTask<Frame?> ReadAsync(CancellationToken ct)
    {
        if (!await HasAsync(Head, ct))
            return _begin == _end ? null : throw Malformed();
        var length = BinaryPrimitives.ReadInt32BigEndian(_in.AsSpan(_begin + 1));
        if (length is < 0 or > MaximumPayload || !await HasAsync(Head + length, ct))
            throw Malformed();
        var frame = new Frame((FrameKind)_in[_begin], _in.AsMemory(_begin + Head, length));
        _begin += Head + length;
        return frame;
    }

    /// <summary>Sends a frame, soon.</summary>
    public async ValueTask WriteAsync(FrameKind kind, ReadOnlyMemory<byte> payload, CancellationToken ct)
    {
        if (_filled + Head + payload.Length > _out.Length)
            await FlushAsync(ct);
        payload.CopyTo(_out.AsMemory(_filled + Head));
        Commit(kind, payload.Length);
    }

    public ValueTask WriteAsync(FrameKind kind, CancellationToken ct) => WriteAsync(kind, default(ReadOnlyMemory<byte>), ct);

    public ValueTask WriteAsync(FrameKind kind, string words, CancellationToken ct)
    {
        var bytes = Encoding.UTF8.GetBytes(words);
        return WriteAsync(kind, bytes.AsMemory(0, Math.Min(bytes.Length, MaximumPayload)), ct);
    }

    public ValueTask WriteAsync(FrameKind kind, long number, CancellationToken ct)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        return WriteAsync(kind, bytes, ct);
    }

    /// <summary>Where the next frame's payload may be put: half of the most, at least.</summary>
    public async ValueTask<Memory<byte>> RoomAsync(CancellationToken ct)
    {
        if (_out.Length - _filled - Head < MaximumPayload / 2)
            await FlushAsync(ct);
        return _out.AsMemory(_filled + Head);
    }

    /// <summary>What was put into the room is a frame.</summary>
    public void Commit(FrameKind kind, int length)
    {
        _out[_filled] = (byte)kind;
        BinaryPrimitives.WriteInt32BigEndian(_out.AsSpan(_filled + 1), length);
        _filled += Head + length;
    }

    /// <summary>Sends what waits.</summary>
    public async ValueTask FlushAsync(CancellationToken ct)
    {
        var count = _filled;
        _filled = 0;
        if (count > 0)
            await stream.WriteAsync(_out.AsMemory(0, count), ct);
    }

    private async ValueTask<bool> HasAsync(int count, CancellationToken ct)
    {
        if (_begin + count > _in.Length)
        {
            _in.AsSpan(_begin, _end - _begin).CopyTo(_in);
            (_begin, _end) = (0, _end - _begin);
        }
        while (_end - _begin < count)
        {
            var got = await stream.ReadAsync(_in.AsMemory(_end), ct);
            if (got == 0)
                return false;
            _end += got;
        }
        return true;
    }
}
