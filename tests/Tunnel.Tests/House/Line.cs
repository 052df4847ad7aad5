using System.IO.Pipelines;

namespace Berth.Tunnel.Tests.House;

/// <summary>A carrier in memory: two ends, which can be cut after a number of bytes, or swallow everything.</summary>
internal sealed class Line
{
    private readonly Pipe _there = new(new PipeOptions(pauseWriterThreshold: 32 * 1024, resumeWriterThreshold: 16 * 1024));
    private readonly Pipe _back = new(new PipeOptions(pauseWriterThreshold: 32 * 1024, resumeWriterThreshold: 16 * 1024));
    private long _left;
    private volatile bool _isCut;
    private volatile bool _silent;

    /// <param name="cutAfter">Bytes of both directions together; the last write passes in part.</param>
    public Line(long cutAfter = long.MaxValue)
    {
        _left = cutAfter;
        Client = new End(this, _back.Reader, _there.Writer);
        Host = new End(this, _there.Reader, _back.Writer);
    }

    public DuplexStream Client { get; }

    public DuplexStream Host { get; }

    /// <summary>Both ends are told.</summary>
    public void Cut()
    {
        _isCut = true;
        foreach (var pipe in (Pipe[])[_there, _back])
        {
            pipe.Reader.CancelPendingRead();
            pipe.Writer.CancelPendingFlush();
        }
    }

    /// <summary>Nobody is told anything any more.</summary>
    public void GoSilent() => _silent = true;

    private sealed class End(Line line, PipeReader from, PipeWriter to) : DuplexStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            ThrowIfCut();
            var read = await from.ReadAsync(cancellationToken);
            var count = (int)Math.Min(read.Buffer.Length, buffer.Length);
            var offset = 0;
            foreach (var part in read.Buffer.Slice(0, count))
            {
                part.CopyTo(buffer[offset..]);
                offset += part.Length;
            }
            from.AdvanceTo(read.Buffer.GetPosition(count));
            if (read.IsCanceled)
                ThrowIfCut();
            return count;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (line._silent)
                return;
            ThrowIfCut();
            var left = Interlocked.Add(ref line._left, -buffer.Length);
            await to.WriteAsync(left < 0 ? buffer[..(int)Math.Max(0, buffer.Length + left)] : buffer, cancellationToken);
            if (left < 0)
                line.Cut();
            ThrowIfCut();
        }

        private void ThrowIfCut()
        {
            if (line._isCut)
                throw new IOException("The line was cut.");
        }

        public override async Task CompleteWritesAsync(CancellationToken ct = default) => await to.CompleteAsync();

        public override void Abort() => line.Cut();

        public override async ValueTask DisposeAsync()
        {
            await to.CompleteAsync();
            await base.DisposeAsync();
        }
    }
}
