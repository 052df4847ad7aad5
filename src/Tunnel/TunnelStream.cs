using System.Net.WebSockets;

namespace Berth.Tunnel;

/// <summary>
/// A WebSocket as a byte stream: one connection to a port inside a session, as the server sees it, or what carries a
/// resumable stream. What was written before a dispose is delivered.
/// </summary>
public sealed class TunnelStream : DuplexStream
{
    // A bound on what one write copies at a time; larger frames gain nothing.
    private const int MaximumFrame = 256 * 1024;
    private static readonly TimeSpan s_closeWithin = TimeSpan.FromSeconds(5);

    private readonly WebSocket _socket;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _readsEnded;
    private int _writesEnded;
    private int _disposed;

    /// <summary>Takes the WebSocket over.</summary>
    public TunnelStream(WebSocket socket) => _socket = socket;

    /// <summary>Completes once the stream was disposed and its last bytes were handed over.</summary>
    public Task Closed => _closed.Task;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // A WebSocket throws when it is read again after its Close frame; a stream says "end" for ever.
        if (_readsEnded)
            return 0;
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveAsync(buffer, cancellationToken);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    if (_socket.CloseStatus is TunnelWire.Reset)
                        throw new IOException("The connection inside the session was reset.");
                    _readsEnded = true;
                    return 0;
                }
                if (received.Count > 0 || buffer.IsEmpty)
                    return received.Count;
            }
        }
        catch (Exception e) when (IsLoss(e, cancellationToken))
        {
            throw Lost(e);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Volatile.Read(ref _writesEnded) != 0)
            throw new IOException("The stream was ended by its writer.");
        try
        {
            // Every send is flushed by the WebSocket, so FlushAsync has nothing to do: some callers never call it.
            for (var rest = buffer; rest.Length > 0; rest = rest[Math.Min(rest.Length, MaximumFrame)..])
                await _socket.SendAsync(rest[..Math.Min(rest.Length, MaximumFrame)], WebSocketMessageType.Binary, true, cancellationToken);
        }
        catch (Exception e) when (IsLoss(e, cancellationToken))
        {
            throw Lost(e);
        }
    }

    public override async Task CompleteWritesAsync(CancellationToken ct = default)
    {
        if (Interlocked.Exchange(ref _writesEnded, 1) != 0)
            return;
        try
        {
            await _socket.CloseOutputAsync(TunnelWire.Ended, null, ct);
        }
        catch (Exception e) when (IsLoss(e, ct))
        {
            throw Lost(e);
        }
    }

    public override void Abort()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _socket.Abort();
        _closed.TrySetResult();
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            await CloseAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        // As with a socket, closing does not wait for the bytes on their way.
        if (disposing && Interlocked.Exchange(ref _disposed, 1) == 0)
            _ = CloseAsync();
        base.Dispose(disposing);
    }

    // Kestrel ends the reads of a connection that it aborted as cancelled.
    private static bool IsLoss(Exception e, CancellationToken ct) =>
        e is WebSocketException or ObjectDisposedException || e is OperationCanceledException && !ct.IsCancellationRequested;

    private static IOException Lost(Exception e) => new("The connection to the session's agent was lost.", e);

    private async Task CloseAsync()
    {
        try
        {
            if (Volatile.Read(ref _writesEnded) == 0 && _socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                using var limit = new CancellationTokenSource(s_closeWithin);
                await _socket.CloseOutputAsync(_readsEnded ? TunnelWire.Ended : TunnelWire.Gone, null, limit.Token);
            }
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or OperationCanceledException or IOException)
        {
            // The peer is gone already, or does not read: either way nothing more can be delivered.
            _socket.Abort();
        }
        finally
        {
            _socket.Dispose();
            _closed.TrySetResult();
        }
    }
}
