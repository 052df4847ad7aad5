using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Berth.Tunnel.Polling;

/// <summary>
/// A connected socket as a stream that can be woken without a detour: .NET's own hand each event from their thread to the
/// pool's, which costs more than all that a small message needs besides.
/// </summary>
public sealed class PolledSocket : DuplexStream, IPolled
{
    private const PollEvents Reading = PollEvents.Readable | PollEvents.Urgent | PollEvents.PeerEnded | PollEvents.Edge;
    private const PollEvents Over = PollEvents.HungUp | PollEvents.Error;
    // After these the gate does not tell of all that there is to read.
    private const PollEvents Ending = PollEvents.PeerEnded | PollEvents.Urgent | Over;

    // Reads in a row that need not wait: whoever has more queued lets others in the pool have a turn.
    private const int MostAtOnce = 32;
    private const int Little = 256;
    private const int Ahead = 2048;

    private readonly Socket _socket;
    private readonly int _fd;
    private readonly Gate _readable = new();
    private readonly Gate _writable = new();
    private readonly Lock _lock = new();
    // A WebSocket answers a ping while a message of somebody else's is under way.
    private readonly SemaphoreSlim _writes = new(1, 1);
    private byte[] _ahead = [];
    private ReadOnlyMemory<byte> _givenBack;
    private volatile bool _drained;
    private volatile bool _ending;
    private bool _reading;
    private int _atOnce;
    private bool _disposed;

    private PolledSocket(Socket socket)
    {
        _socket = socket;
        _fd = (int)socket.Handle;
        Poller.Shared.Add(_fd, Reading, this);
    }

    /// <summary>
    /// Whether who waits to read goes on on the poller's thread, which all of them share: for those only that do something
    /// short then, and wait for nothing.
    /// </summary>
    public bool GoesOnAtOnce { get; set; }

    /// <summary>Connects one.</summary>
    /// <exception cref="SocketException">It cannot be.</exception>
    public static async Task<PolledSocket> ConnectAsync(EndPoint to, CancellationToken ct)
    {
        var socket = new Socket(to.AddressFamily, SocketType.Stream, to is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        PolledSocket? polled = null;
        try
        {
            var connected = Connect(socket, to);
            // Not before: what is not connecting yet counts as hung up.
            polled = new PolledSocket(socket);
            if (!connected)
                await polled.ConnectedAsync(ct);
            return polled;
        }
        catch
        {
            polled?.Dispose();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes one over that is connected, and that .NET has not waited for.</summary>
    /// <exception cref="IOException">The system has no room for it.</exception>
    public static PolledSocket Take(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        socket.Blocking = false;
        return new PolledSocket(socket);
    }

    /// <summary>Has this read once more, before everything else.</summary>
    public void GiveBack(ReadOnlySpan<byte> bytes)
    {
        if (_ahead.Length < bytes.Length)
            _ahead = new byte[Math.Max(bytes.Length, Ahead)];
        bytes.CopyTo(_ahead);
        _givenBack = _ahead.AsMemory(0, bytes.Length);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_givenBack.IsEmpty)
            return ReceiveAsync(buffer, cancellationToken);
        var count = Math.Min(buffer.Length, _givenBack.Length);
        _givenBack[..count].CopyTo(buffer);
        _givenBack = _givenBack[count..];
        return ValueTask.FromResult(count);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await HaveTurnAsync(cancellationToken);
        try
        {
            while (buffer.Length > 0)
            {
                var count = _socket.Send(buffer.Span, SocketFlags.None, out var error);
                if (error == SocketError.Success)
                    buffer = buffer[count..];
                else if (error == SocketError.WouldBlock)
                    await WritableAsync(cancellationToken);
                else
                    throw Failed(error);
            }
        }
        finally
        {
            _writes.Release();
        }
    }

    /// <summary>Waits until there is something to read, and holds no buffer meanwhile. Who waits is the one that reads.</summary>
    /// <returns>How many bytes are there; 0: a read tells how it ended.</returns>
    /// <exception cref="IOException">It failed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadableAsync(CancellationToken ct)
    {
        while (true)
        {
            if (!_drained || _ending)
            {
                var ends = _ending;
                if (Available is > 0 and var count)
                    return count;
                if (ends)
                    return 0;
            }
            await _readable.WaitAsync(GoesOnAtOnce, ct);
            _drained = false;
            _atOnce = 0;
        }
    }

    /// <summary>
    /// Sends what another one has received without copying it, after some bytes of the caller's. If it throws, a part may have
    /// been sent.
    /// </summary>
    /// <param name="before">Sent first.</param>
    /// <param name="from">Has at least so many bytes.</param>
    /// <param name="count">How many.</param>
    /// <param name="pipe">Empty; holds what is on its way.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="IOException">One of them failed.</exception>
    internal async ValueTask MoveAsync(ReadOnlyMemory<byte> before, PolledSocket from, int count, KernelPipe pipe, CancellationToken ct)
    {
        await HaveTurnAsync(ct);
        try
        {
            pipe.Put(before.Span);
            while (count > 0 || pipe.Held > 0)
            {
                if (count > 0)
                    count -= pipe.Fill(from._socket.SafeHandle, count);
                if (pipe.Held == 0)
                    throw new IOException("What there was to read has gone.");
                if (!pipe.Drain(_socket.SafeHandle))
                    await WritableAsync(ct);
            }
        }
        finally
        {
            _writes.Release();
        }
    }

    public override Task CompleteWritesAsync(CancellationToken ct = default)
    {
        _socket.EndWrites();
        return Task.CompletedTask;
    }

    public override void Abort()
    {
        _socket.ResetOnClose();
        Dispose();
    }

    public void Ready(PollEvents events)
    {
        if ((events & Ending) != PollEvents.None)
            _ending = true;
        if ((events & (PollEvents.Readable | Ending)) != PollEvents.None)
            _readable.Open();
        if ((events & (PollEvents.Writable | Over)) != PollEvents.None)
            _writable.Open();
    }

    protected override void Dispose(bool disposing)
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            try
            {
                Poller.Shared.Remove(_fd);
            }
            finally
            {
                _socket.Dispose();
            }
        }
        // Whoever waits finds it closed; not from in here: whoever disposes may hold a lock that he needs.
        ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Ready(PollEvents.HungUp), this, preferLocal: false);
        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // A WebSocket whose ends cross reads twice at a time.
        if (Interlocked.Exchange(ref _reading, true))
            throw new IOException("Somebody else reads it.");
        try
        {
            if (!GoesOnAtOnce && ++_atOnce >= MostAtOnce)
            {
                _atOnce = 0;
                await Task.Yield();
            }
            while (true)
            {
                // What came after the last read opened the gate, an end among it: where that found less than it had room
                // for, the next one need not try in vain. Where much comes, a try is not in vain.
                if (_drained && !_ending)
                    await _readable.WaitAsync(GoesOnAtOnce, cancellationToken);
                var count = Receive(buffer.Span, out var all, out var error);
                _drained = all && GoesOnAtOnce;
                if (error == SocketError.Success)
                    return count;
                if (error != SocketError.WouldBlock)
                    throw Failed(error);
                _atOnce = 0;
                await _readable.WaitAsync(GoesOnAtOnce, cancellationToken);
            }
        }
        finally
        {
            Volatile.Write(ref _reading, false);
        }
    }

    /// <param name="buffer">Filled from its begin.</param>
    /// <param name="all">There was no more.</param>
    /// <param name="error">Why there is nothing.</param>
    private int Receive(Span<byte> buffer, out bool all, out SocketError error)
    {
        if (buffer.Length > Little)
        {
            var count = _socket.Receive(buffer, SocketFlags.None, out error);
            all = error == SocketError.Success && count < buffer.Length;
            return count;
        }
        // Who asks for little has more behind it, a frame after its header; who asks for nothing waits until there is some.
        Span<byte> ahead = stackalloc byte[Ahead];
        var received = _socket.Receive(ahead, SocketFlags.None, out error);
        all = error == SocketError.Success && received < ahead.Length;
        var taken = Math.Min(received, buffer.Length);
        ahead[..taken].CopyTo(buffer);
        if (received > taken)
            GiveBack(ahead[taken..received]);
        return taken;
    }

    private int Available
    {
        get
        {
            try
            {
                return _givenBack.Length + _socket.Available;
            }
            catch (SocketException e)
            {
                throw Failed(e.SocketErrorCode);
            }
        }
    }

    private static bool Connect(Socket socket, EndPoint to)
    {
        socket.Blocking = false;
        try
        {
            if (to is IPEndPoint)
                socket.NoDelay = true;
            socket.Connect(to);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.InProgress or SocketError.WouldBlock && to is IPEndPoint)
        {
            return false;
        }
    }

    private async Task ConnectedAsync(CancellationToken ct)
    {
        // On loopback it mostly is by now, although the kernel says that it will be.
        while (!_socket.Poll(0, SelectMode.SelectWrite))
            await WritableAsync(ct);
        if (_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is int and not 0 and var error)
            throw new SocketException(error);
    }

    // Whoever need not wait for it is not asked whether he still wants to write.
    private ValueTask HaveTurnAsync(CancellationToken ct) => _writes.Wait(0, CancellationToken.None) ? ValueTask.CompletedTask : new(_writes.WaitAsync(ct));

    private async ValueTask WritableAsync(CancellationToken ct)
    {
        // Only while it is waited for: a peer that reads makes room each time.
        Expect(Reading | PollEvents.Writable);
        try
        {
            await _writable.WaitAsync(atOnce: false, ct);
        }
        finally
        {
            Expect(Reading);
        }
    }

    private void Expect(PollEvents events)
    {
        lock (_lock)
        {
            if (!_disposed)
                Poller.Shared.Change(_fd, events);
        }
    }

    private static IOException Failed(SocketError error)
    {
        var inner = new SocketException((int)error);
        return new IOException(inner.Message, inner);
    }
}
