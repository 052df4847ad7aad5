using System.Net;
using System.Net.Sockets;

namespace Berth.Fakes;

/// <summary>A second address of a TCP server, whose lines can be cut after a number of bytes, or swallow everything.</summary>
public sealed class CuttingRelay : TcpRelay
{
    private int _cuts;

    /// <param name="port">Of the server, on loopback.</param>
    public CuttingRelay(int port)
        : base(port) => Open();

    /// <summary>After how many bytes the next lines are cut; asked once for each. Null: never.</summary>
    public Func<long?> CutAfter { get; set; } = static () => null;

    /// <summary>Instead of being cut, a line goes silent: neither end is told.</summary>
    public bool BlackHoles { get; set; }

    /// <summary>Lines that were cut or went silent.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    protected override async Task CarryAsync(Socket client, Socket server, IPEndPoint to, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var left = new Budget(CutAfter());
        try
        {
            await server.ConnectAsync(to, over.Token);
            await Task.WhenAll(PassAsync(client, server, left, over), PassAsync(server, client, left, over));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either end is gone, or this line's time has come: closing with a linger time of 0 resets both.
            client.LingerState = server.LingerState = new LingerOption(true, 0);
        }
    }

    private async Task PassAsync(Socket from, Socket to, Budget left, CancellationTokenSource over)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer.AsMemory(), over.Token) is not 0 and var count)
            {
                var passes = left.Take(count);
                await SendAsync(to, buffer.AsMemory(0, passes), over.Token);
                if (passes == count)
                    continue;
                if (left.IsFirstOver)
                    Interlocked.Increment(ref _cuts);
                if (BlackHoles)
                    await Task.Delay(Timeout.Infinite, over.Token);
                await over.CancelAsync();
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            await over.CancelAsync();
            throw;
        }
    }

    private sealed class Budget(long? bytes)
    {
        private long _left = bytes ?? long.MaxValue;
        private int _over;

        public int Take(int count)
        {
            var left = Interlocked.Add(ref _left, -count);
            return left >= 0 ? count : (int)Math.Max(0, count + left);
        }

        public bool IsFirstOver => Interlocked.Exchange(ref _over, 1) == 0;
    }
}
