using System.Runtime.CompilerServices;
using Berth.Server.Connections;

namespace Berth.Server.Proxy;

/// <summary>A connection to an app whose bytes are a visit's: HTTP with its headers, and WebSockets. It has one of its session's places.</summary>
internal sealed class CountedStream(Stream inner, NotedConnection noted, IDisposable place) : PassingStream(inner)
{
    private int _left;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await Inner.ReadAsync(buffer, cancellationToken);
        noted.AddOut(count);
        return count;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        noted.AddIn(buffer.Length);
        return Inner.WriteAsync(buffer, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing || Interlocked.Exchange(ref _left, 1) != 0)
            return;
        noted.Leave();
        place.Dispose();
    }
}
