using System.Buffers;

namespace Berth.Tunnel.Resumable;

/// <summary>
/// A pooled array that carriers read into and whose parts wait for the stream's reader: goes back when the last of its
/// holders lets it go. Not safe for threads; its stream's lock is.
/// </summary>
internal sealed class Block(int size)
{
    private int _holders = 1;

    public byte[] Bytes { get; } = ArrayPool<byte>.Shared.Rent(size);

    public void Hold() => _holders++;

    public void Release()
    {
        if (--_holders == 0)
            ArrayPool<byte>.Shared.Return(Bytes);
    }
}

/// <summary>What has been received and not read yet. Not safe for threads; its stream's lock is.</summary>
internal sealed class ReceiveQueue
{
    private readonly Queue<(Block Block, int Start, int Count)> _parts = new();
    private int _readOfFirst;

    public bool IsEmpty => _parts.Count == 0;

    public void Add(Block block, int start, int count)
    {
        block.Hold();
        _parts.Enqueue((block, start, count));
    }

    public int Read(Span<byte> into)
    {
        var filled = 0;
        while (filled < into.Length && _parts.TryPeek(out var part))
        {
            var count = Math.Min(part.Count - _readOfFirst, into.Length - filled);
            part.Block.Bytes.AsSpan(part.Start + _readOfFirst, count).CopyTo(into[filled..]);
            filled += count;
            _readOfFirst += count;
            if (_readOfFirst == part.Count)
                Drop();
        }
        return filled;
    }

    public void Clear()
    {
        while (_parts.Count > 0)
            Drop();
    }

    private void Drop()
    {
        _parts.Dequeue().Block.Release();
        _readOfFirst = 0;
    }
}
