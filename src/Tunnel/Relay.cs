using System.Buffers;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace Berth.Tunnel;

/// <summary>
/// Copies bytes both ways between a dial-back stream and a TCP connection, each direction at the pace of its reader:
/// nothing is held but one buffer a direction.
/// </summary>
internal sealed class Relay(WebSocket socket, Socket app, CancellationTokenSource over)
{
    // Most streams carry little and live long, some carry much: a buffer grows with what fills it.
    private const int SmallBuffer = 8 * 1024;
    private const int LargeBuffer = 128 * 1024;

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
        var buffer = ArrayPool<byte>.Shared.Rent(SmallBuffer);
        try
        {
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), over.Token);
                if (received.MessageType == WebSocketMessageType.Close)
                    break;
                await DeliverAsync(buffer.AsMemory(0, received.Count));
                buffer = Grow(buffer, received.Count);
            }
            if (socket.CloseStatus == TunnelWire.Ended)
            {
                ShutdownApp();
            }
            else
            {
                // Nobody reads the other direction any more, and all that was sent has been delivered: an end, not a reset.
                _serverGone = true;
                ShutdownApp();
                await over.CancelAsync();
            }
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
        var buffer = ArrayPool<byte>.Shared.Rent(SmallBuffer);
        try
        {
            var end = TunnelWire.Ended;
            try
            {
                while (await app.ReceiveAsync(buffer.AsMemory(), SocketFlags.None, over.Token) is not 0 and var count)
                {
                    await socket.SendAsync(buffer.AsMemory(0, count), WebSocketMessageType.Binary, true, over.Token);
                    buffer = Grow(buffer, count);
                }
            }
            catch (SocketException)
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
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task DeliverAsync(Memory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0 && !_appStoppedReading)
                bytes = bytes[await app.SendAsync(bytes, SocketFlags.None, over.Token)..];
        }
        catch (SocketException)
        {
            // The app closed, perhaps after a last answer that is still on its way to the server. Until that has been
            // handed over, what the server goes on sending is dropped.
            _appStoppedReading = true;
            await AppEndedOneWayAsync();
        }
    }

    // An app that neither sends nor reads is gone.
    private Task AppEndedOneWayAsync() => Interlocked.Increment(ref _endsOfApp) == 2 ? over.CancelAsync() : Task.CompletedTask;

    private static byte[] Grow(byte[] buffer, int filled)
    {
        if (filled < buffer.Length || buffer.Length >= LargeBuffer)
            return buffer;
        ArrayPool<byte>.Shared.Return(buffer);
        return ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 4, LargeBuffer));
    }

    private void ShutdownApp()
    {
        try
        {
            app.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It is closed already; the other direction says how.
        }
    }

    // Closing with a linger time of 0 sends RST: the app must not take an abort for a clean end.
    private void ResetApp()
    {
        if (_serverGone)
            return;
        try
        {
            app.LingerState = new LingerOption(true, 0);
            app.Close();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed already.
        }
    }
}
