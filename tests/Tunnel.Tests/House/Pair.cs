using System.IO.Pipelines;

namespace Berth.Tunnel.Tests.House;

/// <summary>Two streams: what is written to the one is read from the other.</summary>
internal static class Pair
{
    /// <summary>Makes one.</summary>
    public static (Stream, Stream) Make()
    {
        var (one, other) = (new Pipe(), new Pipe());
        return (new Both(one.Reader.AsStream(), other.Writer.AsStream()), new Both(other.Reader.AsStream(), one.Writer.AsStream()));
    }

    private sealed class Both(Stream reads, Stream writes) : DuplexStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => reads.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await writes.WriteAsync(buffer, cancellationToken);
            await writes.FlushAsync(cancellationToken);
        }

        public override Task CompleteWritesAsync(CancellationToken ct = default) => writes.DisposeAsync().AsTask();

        public override void Abort()
        {
            reads.Dispose();
            writes.Dispose();
        }
    }
}
