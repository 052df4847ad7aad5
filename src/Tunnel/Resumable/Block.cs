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
    // A small part is moved up to the one before it, over the headers between them, so that many do not cost more than their bytes.
    private const int SmallPart = 256;

    private readonly Queue<(Block Block, int Start, int Count)> _before = new();
    private (Block Block, int Start, int Count) _last;
    private int _readOfFirst;

    public bool IsEmpty => _last.Count == 0;

    public void Add(Block block, int start, int count)
    {
        if (_last.Block == block && count <= SmallPart)
        {
            block.Bytes.AsSpan(start, count).CopyTo(block.Bytes.AsSpan(_last.Start + _last.Count));
            _last.Count += count;
            return;
        }
        if (_last.Count > 0)
            _before.Enqueue(_last);
        block.Hold();
        _last = (block, start, count);
    }

    public int Read(Span<byte> into)
    {
        var filled = 0;
        while (filled < into.Length && !IsEmpty)
        {
            var part = _before.TryPeek(out var first) ? first : _last;
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
        while (!IsEmpty)
            Drop();
    }

    private void Drop()
    {
        _readOfFirst = 0;
        if (_before.TryDequeue(out var part))
        {
            part.Block.Release();
            return;
        }
        _last.Block.Release();
        _last = default;
    }
}
