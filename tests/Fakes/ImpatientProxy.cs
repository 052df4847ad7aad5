using System.Net;
using System.Net.Sockets;

namespace Berth.Fakes;

/// <summary>A second address of a TCP server, which closes each line on which nothing was said for a while, as proxies do.</summary>
public sealed class ImpatientProxy : IAsyncDisposable
{
    private readonly IPEndPoint _to;
    private readonly TimeSpan _limit;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _lines;
    private int _closed;

    /// <param name="port">Of the server, on loopback.</param>
    /// <param name="limit">How long a line may be silent.</param>
    public ImpatientProxy(int port, TimeSpan limit)
    {
        (_to, _limit) = (new IPEndPoint(IPAddress.Loopback, port), limit);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens, on loopback.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The same as an address.</summary>
    public string Address => $"http://127.0.0.1:{Port}";

    /// <summary>Lines so far.</summary>
    public int Lines => Volatile.Read(ref _lines);

    /// <summary>Lines that were silent for too long.</summary>
    public int Closed => Volatile.Read(ref _closed);

    /// <summary>Waits for as long as a silent line lives, several times over.</summary>
    public Task OutliveAsync(int times, CancellationToken ct) => Task.Delay(_limit * times, ct);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var lines = new List<Task>();
        try
        {
            while (true)
                lines.Add(CarryAsync(await _listener.AcceptSocketAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(lines);
        }
    }

    private async Task CarryAsync(Socket client)
    {
        Interlocked.Increment(ref _lines);
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            using var silent = new CancellationTokenSource(_limit);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, silent.Token);
            try
            {
                await server.ConnectAsync(_to, over.Token);
                await Task.WhenAny(PassAsync(client, server), PassAsync(server, client));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Nobody is there.
            }

            if (silent.IsCancellationRequested && !_stop.IsCancellationRequested)
                Interlocked.Increment(ref _closed);
            await over.CancelAsync();

            async Task PassAsync(Socket from, Socket to)
            {
                var buffer = new byte[64 * 1024];
                try
                {
                    while (await from.ReceiveAsync(buffer.AsMemory(), over.Token) is not 0 and var count)
                    {
                        silent.CancelAfter(_limit);
                        for (var rest = buffer.AsMemory(0, count); rest.Length > 0;)
                            rest = rest[await to.SendAsync(rest, over.Token)..];
                    }
                }
                catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
                {
                    // Either end is gone, or its time is over.
                }
            }
        }
    }
}
