using System.Net.Sockets;

namespace Berth.Tunnel;

/// <summary>A connected TCP socket as a stream whose directions end apart. Takes the socket over.</summary>
public sealed class SocketStream(Socket socket) : DuplexStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new IOException(e.Message, e);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (buffer.Length > 0)
                buffer = buffer[await socket.SendAsync(buffer, SocketFlags.None, cancellationToken)..];
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new IOException(e.Message, e);
        }
    }

    public override Task CompleteWritesAsync(CancellationToken ct = default)
    {
        socket.EndWrites();
        return Task.CompletedTask;
    }

    public override void Abort()
    {
        socket.ResetOnClose();
        socket.Dispose();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            socket.Dispose();
        base.Dispose(disposing);
    }
}
