using System.Net;
using System.Net.Sockets;

namespace Berth.Fakes;

/// <summary>A second address of a TCP server, which closes each line on which nothing was said for a while, as proxies do.</summary>
public sealed class ImpatientProxy : TcpRelay
{
    private readonly TimeSpan _limit;
    private int _closed;

    /// <param name="port">Of the server, on loopback.</param>
    /// <param name="limit">How long a line may be silent.</param>
    public ImpatientProxy(int port, TimeSpan limit)
        : base(port)
    {
        _limit = limit;
        Open();
    }

    /// <summary>Where it listens, as an address.</summary>
    public string Address => $"http://127.0.0.1:{Port}";

    /// <summary>Lines that were silent for too long.</summary>
    public int Closed => Volatile.Read(ref _closed);

    /// <summary>Waits for as long as a silent line lives, several times over.</summary>
    public Task OutliveAsync(int times, CancellationToken ct) => Task.Delay(_limit * times, ct);

    protected override async Task CarryAsync(Socket client, Socket server, IPEndPoint to, CancellationToken stop)
    {
        using var silent = new CancellationTokenSource(_limit);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop, silent.Token);
        try
        {
            await server.ConnectAsync(to, over.Token);
            await Task.WhenAny(PassAsync(client, server), PassAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Nobody is there.
        }

        if (silent.IsCancellationRequested && !stop.IsCancellationRequested)
            Interlocked.Increment(ref _closed);
        await over.CancelAsync();

        async Task PassAsync(Socket from, Socket into)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                while (await from.ReceiveAsync(buffer.AsMemory(), over.Token) is not 0 and var count)
                {
                    silent.CancelAfter(_limit);
                    await SendAsync(into, buffer.AsMemory(0, count), over.Token);
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Either end is gone, or its time is over.
            }
        }
    }
}
