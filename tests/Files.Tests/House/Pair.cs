using System.IO.Pipelines;

namespace Berth.Files.Tests.House;

/// <summary>Two ends of a byte stream in memory, the first of which may be cut after a number of bytes.</summary>
internal sealed class Pair
{
    private readonly Pipe _there = new();
    private readonly Pipe _back = new();
    private readonly long _cutAfter;
    private long _written;

    public Pair(long cutAfter = long.MaxValue)
    {
        _cutAfter = cutAfter;
        Sender = new End(_back.Reader.AsStream(), _there.Writer.AsStream(), CountAsync);
        Receiver = new End(_there.Reader.AsStream(), _back.Writer.AsStream(), _ => true);
    }

    public Stream Sender { get; }

    public Stream Receiver { get; }

    /// <summary>What the sender wrote.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>Both ends hear that the line is lost.</summary>
    public void Cut()
    {
        var lost = new IOException("The line was cut.");
        _there.Writer.Complete(lost);
        _back.Writer.Complete(lost);
    }

    private bool CountAsync(int count)
    {
        if (Interlocked.Add(ref _written, count) <= _cutAfter)
            return true;
        Cut();
        return false;
    }

    private sealed class End(Stream from, Stream to, Func<int, bool> passes) : Stream
    {
        public override bool CanRead => true;
        public override bool CanWrite => true;
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => from.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            passes(buffer.Length) ? to.WriteAsync(buffer, cancellationToken) : throw new IOException("The line was cut.");

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Flush() => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
