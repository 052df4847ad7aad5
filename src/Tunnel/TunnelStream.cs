using System.Buffers.Binary;
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
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(15);

    private readonly WebSocket _socket;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _readsEnded;
    private int _writesEnded;
    private int _disposed;

    /// <summary>Takes the WebSocket over.</summary>
    public TunnelStream(WebSocket socket) => _socket = socket;

    /// <summary>Completes once the stream was disposed and its last bytes were handed over.</summary>
    public Task Closed => _closed.Task;

    /// <summary>
    /// What comes before everything that is read: of a stream that waits, that the other side says anything; of one that was
    /// asked for a port, the agent's answer.
    /// </summary>
    /// <exception cref="DialRefusedException">It could not connect to the port.</exception>
    /// <exception cref="AgentNotConnectedException">It went away before it answered.</exception>
    public Task Answered { get; private set; } = Task.CompletedTask;

    /// <summary>
    /// Keeps a read of nothing pending while the stream waits for its use: only so are pings answered, and its death noticed,
    /// which completes <see cref="Answered"/>.
    /// </summary>
    public void Wait() => BeforeReads(ReceiveAsync(Memory<byte>.Empty, CancellationToken.None).AsTask());

    /// <summary>Asks the agent for a port. Its answer comes before everything else that is read.</summary>
    /// <param name="port">Of the session's loopback; 0: the agent itself.</param>
    /// <param name="ct">Gives up.</param>
    internal async Task AskAsync(int port, CancellationToken ct)
    {
        var header = new byte[TunnelWire.HeaderLength];
        BinaryPrimitives.WriteUInt16BigEndian(header, checked((ushort)port));
        await WriteAsync(header, ct);
        BeforeReads(HearAnswerAsync(port, Answered));
    }

    // Whoever reads or writes hears how it ended; perhaps nobody does.
    private void BeforeReads(Task answered)
    {
        Answered = answered;
        _ = answered.ContinueWith(over => _ = over.Exception, TaskScheduler.Default);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Answered.IsCompletedSuccessfully ? ReceiveAsync(buffer, cancellationToken) : ReceiveAnsweredAsync(buffer, cancellationToken);

    private async Task HearAnswerAsync(int port, Task waiting)
    {
        using var limit = new CancellationTokenSource(s_answerWithin);
        try
        {
            var answer = new byte[1];
            await waiting.WaitAsync(limit.Token);
            if (await ReceiveAsync(answer, limit.Token) != 1)
                throw new AgentNotConnectedException("The session's agent ended the stream without an answer.");
            if ((DialStatus)answer[0] != DialStatus.Connected)
                throw new DialRefusedException(port, (DialStatus)answer[0]);
        }
        catch (OperationCanceledException)
        {
            Abort();
            throw new DialRefusedException(port, DialStatus.Failed);
        }
        catch (IOException e) when (e is not (DialRefusedException or AgentNotConnectedException))
        {
            throw new AgentNotConnectedException("The session's agent went away before it answered.", e);
        }
    }

    private async ValueTask<int> ReceiveAnsweredAsync(Memory<byte> buffer, CancellationToken ct)
    {
        await Answered.WaitAsync(ct);
        return await ReceiveAsync(buffer, ct);
    }

    private async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
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
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            // Every send is flushed by the WebSocket, so FlushAsync has nothing to do: some callers never call it.
            for (var rest = buffer; rest.Length > 0; rest = rest[Math.Min(rest.Length, MaximumFrame)..])
                await _socket.SendAsync(rest[..Math.Min(rest.Length, MaximumFrame)], WebSocketMessageType.Binary, true, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Part of a frame may be out: nothing may follow it.
            _socket.Abort();
            throw;
        }
        catch (Exception e) when (IsLoss(e, cancellationToken))
        {
            // An agent that refused has closed the stream: its word is there, and says more.
            await Answered.WaitAsync(cancellationToken);
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
