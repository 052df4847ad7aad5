using System.IO.Pipelines;

namespace Berth.Files.Tests.House;

/// <summary>Two ends of a byte stream in memory, the first of which may be cut or held after a number of bytes.</summary>
internal sealed class Pair
{
    private readonly Pipe _there = new();
    private readonly Pipe _back = new();
    private readonly long _cutAfter;
    private readonly long _holdAfter;
    private readonly TaskCompletionSource _goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _written;

    public Pair(long cutAfter = long.MaxValue, long holdAfter = long.MaxValue)
    {
        (_cutAfter, _holdAfter) = (cutAfter, holdAfter);
        Sender = new End(_back.Reader.AsStream(), _there.Writer.AsStream(), PassAsync);
        Receiver = new End(_there.Reader.AsStream(), _back.Writer.AsStream(), (_, _) => Task.FromResult(true));
    }

    public Stream Sender { get; }

    public Stream Receiver { get; }

    /// <summary>What the sender wrote.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>What was held passes, and all after it.</summary>
    public void GoOn() => _goesOn.TrySetResult();

    /// <summary>Both ends hear that the line is lost.</summary>
    public void Cut()
    {
        var lost = new IOException("The line was cut.");
        _there.Writer.Complete(lost);
        _back.Writer.Complete(lost);
    }

    private async Task<bool> PassAsync(int count, CancellationToken ct)
    {
        var written = Interlocked.Add(ref _written, count);
        if (written > _holdAfter)
            await _goesOn.Task.WaitAsync(ct);
        if (written <= _cutAfter)
            return true;
        Cut();
        return false;
    }

    private sealed class End(Stream from, Stream to, Func<int, CancellationToken, Task<bool>> passes) : Stream
    {
        public override bool CanRead => true;
        public override bool CanWrite => true;
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => from.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!await passes(buffer.Length, cancellationToken))
                throw new IOException("The line was cut.");
            await to.WriteAsync(buffer, cancellationToken);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Flush() => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
