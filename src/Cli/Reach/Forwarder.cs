using System.Net.Sockets;
using Berth.Cli.Output;
using Berth.Contracts.Services;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Reach;

/// <summary>Passes connections to local ports on to services of a session: to its ports, most of all.</summary>
internal sealed class Forwarder(SessionStreams streams, Report report, TimeProvider time)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly HashSet<Task> _running = [];
    private readonly HashSet<string> _told = [];

    /// <summary>Serves a port until cancelled; the socket is closed then.</summary>
    /// <param name="listener">On this machine.</param>
    /// <param name="request">What each connection is for.</param>
    /// <param name="ct">Ends it.</param>
    public async Task ServeAsync(Socket listener, ServiceRequest request, CancellationToken ct)
    {
        using (listener)
        {
            while (!ct.IsCancellationRequested)
            {
                try
                {
                    Keep(ForwardAsync(await listener.AcceptAsync(ct), request, ct));
                }
                catch (SocketException e)
                {
                    // The one who came is gone already, or this process has too many files open for the moment.
                    TellOnce($"A connection to local port {LocalPort.PortOf(listener)} could not be taken: {e.Message}.");
                    await Task.Delay(s_pause, time, ct);
                }
            }
        }
    }

    /// <summary>Waits until what is open has said its last word.</summary>
    public Task EndAsync()
    {
        lock (_lock)
            return Task.WhenAll(_running);
    }

    private async Task ForwardAsync(Socket socket, ServiceRequest request, CancellationToken ct)
    {
        socket.NoDelay = true;
        await using var local = new SocketStream(socket);
        try
        {
            await using var stream = await streams.OpenEarlyAsync(request, ct);
            await Splice.RunAsync(local, stream, ct);
            await stream.DeliveredAsync(ct);
        }
        catch (Exception e)
        {
            // Who connected sees a reset, as from a port where nobody listens.
            local.Abort();
            // The end of the program here is its own affair; why the session's end failed is worth a line.
            var isLocal = e is IOException and not StreamLostException;
            if (!isLocal && !ct.IsCancellationRequested && !streams.Refused.IsCompleted)
                TellOnce(e.Message);
        }
    }

    private void Keep(Task connection)
    {
        lock (_lock)
            _running.Add(connection);
        _ = connection.ContinueWith(
            over =>
            {
                lock (_lock)
                    _running.Remove(over);
            },
            TaskScheduler.Default);
    }

    // A browser that tries again and again is no reason to say the same again and again.
    private void TellOnce(string message)
    {
        bool isNew;
        lock (_lock)
            isNew = _told.Add(message);
        if (isNew)
            report.Warning(message);
    }
}
