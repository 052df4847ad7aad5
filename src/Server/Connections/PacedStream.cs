using Berth.Server.Proxy;

namespace Berth.Server.Connections;

/// <summary>A stream whose bytes pass slice by slice, each when it is their turn. It says when it is disposed.</summary>
internal sealed class PacedStream(Stream inner, FairShare share, Action? disposed = null) : PassingStream(inner)
{
    private readonly FairShare.Lane _reads = share.NewLane();
    private readonly FairShare.Lane _writes = share.NewLane();
    private int _disposed;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await Inner.ReadAsync(buffer.Length > share.Slice ? buffer[..share.Slice] : buffer, cancellationToken);
        if (count > 0)
            await _reads.PassAsync(count, cancellationToken);
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            var slice = buffer[..Math.Min(buffer.Length, share.Slice)];
            await _writes.PassAsync(slice.Length, cancellationToken);
            await Inner.WriteAsync(slice, cancellationToken);
            buffer = buffer[slice.Length..];
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing && Interlocked.Exchange(ref _disposed, 1) == 0)
            disposed?.Invoke();
    }
}
