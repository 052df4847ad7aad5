using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Berth.Server.Proxy;
using Berth.Tunnel.Polling;

namespace Berth.Server.Agents;

/// <summary>
/// A socket whose peer may stop reading, or be gone: what is written then is dropped. What the peer said before that, an
/// answer among it, is still to be read, and the reads say how it ended.
/// </summary>
/// <param name="socket">Disposed of with this.</param>
/// <param name="unheard">Told of the first write that is dropped, and then whatever the write failed of; null: only what the peer does not read is dropped.</param>
internal sealed class UnheardWrites(PolledSocket socket, Action? unheard = null) : PassingStream(socket)
{
    private volatile bool _isUnheard;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Inner.ReadAsync(buffer, cancellationToken);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isUnheard)
            return;
        try
        {
            await Inner.WriteAsync(buffer, cancellationToken);
        }
        catch (IOException e) when (unheard is not null || IsOfThePeer(e))
        {
            _isUnheard = true;
            unheard?.Invoke();
        }
    }

    // What failed for want of something here would leave half a frame in the middle of the others.
    private static bool IsOfThePeer(IOException e) =>
        e.InnerException is SocketException { SocketErrorCode: SocketError.Shutdown or SocketError.ConnectionReset or SocketError.ConnectionAborted };
}
