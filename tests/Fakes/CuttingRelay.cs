using System.Net;
using System.Net.Sockets;

namespace Berth.Fakes;

/// <summary>A second address of a TCP server, whose lines can be cut after a number of bytes, or swallow everything.</summary>
public sealed class CuttingRelay : IAsyncDisposable
{
    private readonly IPEndPoint _to;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _lines;
    private int _cuts;

    /// <param name="port">Of the server, on loopback.</param>
    public CuttingRelay(int port)
    {
        _to = new IPEndPoint(IPAddress.Loopback, port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens, on loopback.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>After how many bytes the next lines are cut; asked once for each. Null: never.</summary>
    public Func<long?> CutAfter { get; set; } = static () => null;

    /// <summary>Instead of being cut, a line goes silent: neither end is told.</summary>
    public bool BlackHoles { get; set; }

    /// <summary>Lines so far.</summary>
    public int Lines => Volatile.Read(ref _lines);

    /// <summary>Lines that were cut or went silent.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

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
            client.NoDelay = true;
            using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            var left = new Budget(CutAfter());
            try
            {
                await server.ConnectAsync(_to, over.Token);
                await Task.WhenAll(PassAsync(client, server, left, over), PassAsync(server, client, left, over));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Either end is gone, or this line's time has come: closing with a linger time of 0 resets both.
                client.LingerState = server.LingerState = new LingerOption(true, 0);
            }
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
                for (var rest = buffer.AsMemory(0, passes); rest.Length > 0;)
                    rest = rest[await to.SendAsync(rest, over.Token)..];
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
