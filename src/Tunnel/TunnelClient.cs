using System.Buffers.Binary;
using System.Net.Sockets;
using System.Net.WebSockets;
using Berth.Tunnel.Polling;

namespace Berth.Tunnel;

/// <summary>
/// The agent's end of the tunnel: keeps as many dial-back streams open as the server asked for, replaces each as it is
/// taken, and connects the taken ones to ports on loopback.
/// </summary>
/// <param name="connect">Opens one more stream to the server.</param>
/// <param name="serve">Takes dials to port 0, the agent itself, until they are over.</param>
/// <param name="ports">Reaches ports on loopback; null: none may be dialled, as on a whole machine.</param>
/// <param name="time">The clock; null: the system's.</param>
public sealed class TunnelClient(
    Func<CancellationToken, Task<WebSocket>> connect, Func<Stream, CancellationToken, Task>? serve = null, Loopback? ports = null, TimeProvider? time = null)
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_lastRetry = TimeSpan.FromSeconds(5);
    // Opening streams costs both ends far more than using them: a burst is let through first, while enough still wait.
    private static readonly TimeSpan s_replaceAfter = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_readsAnswerWithin = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _running = [];
    private readonly HashSet<Relay> _relays = [];
    private CancellationToken _stop;
    private bool _started;
    private bool _replacing;
    private int _wanted;
    private int _waiting;

    /// <summary>How many idle streams the server wants. May be set at any time.</summary>
    public int Wanted
    {
        get => _wanted;
        set
        {
            _wanted = value;
            Refill();
        }
    }

    /// <summary>Works until cancelled, then aborts every stream and returns.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        lock (_lock)
        {
            _stop = stop;
            _started = true;
        }
        Refill();
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Task[] running;
        lock (_lock)
            running = [.. _running];
        await Task.WhenAll(running);
    }

    /// <summary>
    /// Waits until the server has what apps that have ended said last. To be called before the program ends, which cuts
    /// every stream.
    /// </summary>
    public async Task DrainAsync(TimeSpan within)
    {
        Task[] handedOver;
        lock (_lock)
            handedOver = [.. _relays.Select(relay => relay.HandedOver)];
        await Task.WhenAll(handedOver).WaitAsync(within).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Refill()
    {
        lock (_lock)
        {
            while (_started && !_stop.IsCancellationRequested && _waiting < _wanted)
            {
                _waiting++;
                var task = Task.Run(() => ServeOneAsync(_stop), CancellationToken.None);
                _running.Add(task);
                _ = task.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
    }

    private void Forget(Task task)
    {
        lock (_lock)
            _running.Remove(task);
    }

    private async Task ServeOneAsync(CancellationToken stop)
    {
        WebSocket? socket = null;
        var replaced = false;
        try
        {
            socket = await ConnectAsync(stop);
            if (await ReadPortAsync(socket, stop) is { } port)
            {
                Replace();
                replaced = true;
                await ServePortAsync(socket, port, stop);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException or ObjectDisposedException)
        {
            // This stream is over; the others are not concerned.
            socket?.Abort();
        }
        finally
        {
            socket?.Dispose();
            if (!replaced)
            {
                // It ended before it was used. A server that closes what it accepts must not be asked in a tight loop.
                await Task.Delay(s_firstRetry, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                Replace();
            }
        }
    }

    private void Replace()
    {
        bool now;
        lock (_lock)
        {
            _waiting--;
            now = _waiting <= _wanted / 4;
            if (!now && _replacing)
                return;
            _replacing |= !now;
        }
        if (now)
            Refill();
        else
            _ = ReplaceSoonAsync();
    }

    private async Task ReplaceSoonAsync()
    {
        await Task.Delay(s_replaceAfter, _time);
        lock (_lock)
            _replacing = false;
        Refill();
    }

    private async Task<WebSocket> ConnectAsync(CancellationToken stop)
    {
        for (var backoff = new Backoff(s_firstRetry, s_lastRetry, TimeProvider.System); ;)
        {
            try
            {
                return await connect(stop);
            }
            catch (Exception e) when (e is WebSocketException or IOException or SocketException or HttpRequestException && !stop.IsCancellationRequested)
            {
                await backoff.PauseAsync(stop);
                stop.ThrowIfCancellationRequested();
            }
        }
    }

    /// <returns>Null when the server closed the stream instead.</returns>
    private static async Task<int?> ReadPortAsync(WebSocket socket, CancellationToken stop)
    {
        var header = new byte[TunnelWire.HeaderLength];
        for (var filled = 0; filled < header.Length;)
        {
            var received = await socket.ReceiveAsync(header.AsMemory(filled), stop);
            if (received.MessageType == WebSocketMessageType.Close)
                return null;
            filled += received.Count;
        }
        return BinaryPrimitives.ReadUInt16BigEndian(header);
    }

    private async Task ServePortAsync(WebSocket socket, int port, CancellationToken stop)
    {
        if (port == 0 && serve is not null)
        {
            await socket.SendAsync(new[] { (byte)DialStatus.Connected }, WebSocketMessageType.Binary, true, stop);
            await serve(new TunnelStream(socket), stop);
            return;
        }
        var (app, failure) = ports is null ? (null, null) : await ports.ConnectAsync(port, stop);
        var status = app is not null ? DialStatus.Connected : failure is null ? DialStatus.Refused : DialStatus.Failed;
        using (app)
        {
            await socket.SendAsync(new[] { (byte)status }, WebSocketMessageType.Binary, true, stop);
            if (app is null)
                await RefuseAsync(socket, stop);
            else
                await RelayAsync(socket, app, stop);
        }
    }

    // The server may have sent more than the port by now. Whoever closes with that unread resets the connection, and the
    // answer is lost with it.
    private static async Task RefuseAsync(WebSocket socket, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(s_readsAnswerWithin);
        await socket.CloseOutputAsync(TunnelWire.Ended, null, limit.Token);
        var dropped = new byte[1024];
        while ((await socket.ReceiveAsync(dropped.AsMemory(), limit.Token)).MessageType != WebSocketMessageType.Close)
        {
        }
    }

    private async Task RelayAsync(WebSocket socket, PolledSocket app, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var relay = new Relay(socket, app, over);
        lock (_lock)
            _relays.Add(relay);
        await relay.RunAsync();
        // It may have ended on the poller's thread, where nothing waits.
        await Task.Yield();
        lock (_lock)
            _relays.Remove(relay);
    }
}
