using System.Runtime.CompilerServices;
using Berth.Server.Proxy;
using Berth.Tunnel.Polling;

namespace Berth.Server.Agents;

/// <summary>
/// A socket whose peer may stop reading, or be gone: what is written then is dropped. What the peer said before that, an
/// answer among it, is still to be read, and the reads say how it ended.
/// </summary>
/// <param name="socket">Disposed of with this.</param>
/// <param name="unheard">Told of each write that is dropped; null: nobody.</param>
internal sealed class UnheardWrites(PolledSocket socket, Action? unheard = null) : PassingStream(socket)
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Inner.ReadAsync(buffer, cancellationToken);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await Inner.WriteAsync(buffer, cancellationToken);
        }
        catch (IOException)
        {
            unheard?.Invoke();
        }
    }
}
