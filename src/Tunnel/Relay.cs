using System.Buffers;
using System.Net.WebSockets;
using Berth.Tunnel.Polling;

namespace Berth.Tunnel;

/// <summary>
/// Copies bytes both ways between a dial-back stream and a TCP connection, each direction at the pace of its reader:
/// nothing is held but one buffer a direction.
/// </summary>
internal sealed class Relay(WebSocket socket, PolledSocket app, CancellationTokenSource over)
{
    // From here on moving costs less than copying.
    private const int Much = 64 * 1024;
    // With it a full buffer's frame fills whole TLS records: a few bytes more would take one, and a packet, of their own.
    private const int FrameHead = 14;

    private readonly UnixWebSocket? _here = socket as UnixWebSocket;
    private readonly TaskCompletionSource _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _serverGone;
    private bool _appStoppedReading;
    private int _endsOfApp;

    /// <summary>Completes once all that the app said was handed to the server, its end included, or cannot be.</summary>
    public Task HandedOver => _handedOver.Task;

    /// <summary>Returns once both directions have ended, whichever way. Never throws.</summary>
    public Task RunAsync() => Task.WhenAll(ToAppAsync(), ToServerAsync());

    private async Task ToAppAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Splice.SmallBuffer);
        var turn = new Turn();
        try
        {
            while (true)
            {
                _here?.GoesOnAtOnce = turn.CarriesLittle;
                var receiving = socket.ReceiveAsync(buffer.AsMemory(), over.Token);
                if (!receiving.IsCompleted)
                    turn.Waits();
                var received = await receiving;
                if (received.MessageType == WebSocketMessageType.Close)
                    break;
                if (turn.IsOver(received.Count))
                    await Task.Yield();
                await DeliverAsync(buffer.AsMemory(0, received.Count));
                buffer = Splice.Grow(buffer, received.Count);
            }
            // Where it did not end as streams do, nobody reads the other direction any more; but all that was sent has been
            // delivered: an end, not a reset.
            _serverGone = socket.CloseStatus != TunnelWire.Ended;
            await app.CompleteWritesAsync();
            if (_serverGone)
                await over.CancelAsync();
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException)
        {
            ResetApp();
            await over.CancelAsync();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task ToServerAsync()
    {
        try
        {
            var end = TunnelWire.Ended;
            try
            {
                await PassAllAsync();
            }
            catch (IOException)
            {
                end = TunnelWire.Reset;
            }
            await socket.CloseOutputAsync(end, null, over.Token);
            if (end == TunnelWire.Reset)
                await over.CancelAsync();
            else
                await AppEndedOneWayAsync();
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException)
        {
            ResetApp();
            await over.CancelAsync();
        }
        finally
        {
            _handedOver.SetResult();
        }
    }

    private async Task PassAllAsync()
    {
        var turn = new Turn();
        bool more;
        do
        {
            app.GoesOnAtOnce = turn.CarriesLittle;
            var readable = app.ReadableAsync(over.Token);
            if (!readable.IsCompleted)
                turn.Waits();
            var there = await readable;
            if (turn.IsOver(there))
                await Task.Yield();
            more = there >= Much && _here is not null && await _here.TryMoveAsync(app, there, over.Token) || await PassAsync(there);
        } while (more);
    }

    /// <returns>False: there was no more, and will not be.</returns>
    private async Task<bool> PassAsync(int there)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Clamp(there + FrameHead, Splice.SmallBuffer, Splice.LargeBuffer));
        try
        {
            var count = await app.ReadAsync(buffer.AsMemory(0, buffer.Length - FrameHead), over.Token);
            if (count > 0)
                await socket.SendAsync(buffer.AsMemory(0, count), WebSocketMessageType.Binary, true, over.Token);
            return count > 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task DeliverAsync(Memory<byte> bytes)
    {
        try
        {
            if (!_appStoppedReading)
                await app.WriteAsync(bytes, over.Token);
        }
        catch (IOException)
        {
            // The app closed, perhaps after a last answer that is still on its way to the server. Until that has been
            // handed over, what the server goes on sending is dropped.
            _appStoppedReading = true;
            await AppEndedOneWayAsync();
        }
    }

    // An app that neither sends nor reads is gone.
    private Task AppEndedOneWayAsync() => Interlocked.Increment(ref _endsOfApp) == 2 ? over.CancelAsync() : Task.CompletedTask;

    // The app must not take an abort for a clean end.
    private void ResetApp()
    {
        if (!_serverGone)
            app.Abort();
    }

    /// <summary>
    /// What a direction does on the poller's thread: pass on a request and its answer, or some keys. What carries much is
    /// woken in the pool, and what carries much that is small and there at once goes on there, or all others would wait.
    /// </summary>
    private struct Turn()
    {
        private const int Most = 32 * 1024;
        private const int Least = 1024;
        private int _carried;

        public bool CarriesLittle { get; private set; } = true;

        /// <summary>The thread is let go: others have their turn, and the pool need not be woken for it.</summary>
        public void Waits() => _carried = 0;

        public bool IsOver(int count)
        {
            CarriesLittle = count < Splice.SmallBuffer;
            _carried = Math.Min(_carried + Math.Max(count, Least), Most);
            if (_carried < Most || Thread.CurrentThread.IsThreadPoolThread)
                return false;
            _carried = 0;
            return true;
        }
    }
}
