namespace Berth.Agent;

/// <summary>The last bytes of an endless row, each of which has its offset from the begin. Not safe for several threads.</summary>
internal sealed class ByteRing(int capacity)
{
    private readonly byte[] _ring = new byte[capacity];

    /// <summary>Offset of the first byte that is still here.</summary>
    public long Start => Math.Max(0, End - capacity);

    /// <summary>Offset behind the last.</summary>
    public long End { get; private set; }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var at = (int)(End % capacity);
            var count = Math.Min(bytes.Length, capacity - at);
            bytes[..count].CopyTo(_ring.AsSpan(at));
            bytes = bytes[count..];
            End += count;
        }
    }

    /// <summary>Copies what is there from an offset on, or from the first byte that is still here.</summary>
    /// <returns>The offset of the first byte copied, and how many.</returns>
    public (long Offset, int Count) Read(long offset, Span<byte> into)
    {
        var from = Math.Max(offset, Start);
        var count = (int)Math.Clamp(End - from, 0, into.Length);
        var at = (int)(from % capacity);
        var first = Math.Min(count, capacity - at);
        _ring.AsSpan(at, first).CopyTo(into);
        _ring.AsSpan(0, count - first).CopyTo(into[first..]);
        return (from, count);
    }
}
