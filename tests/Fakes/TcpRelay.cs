using System.Net;
using System.Net.Sockets;

namespace Berth.Fakes;

/// <summary>A second address of a TCP server on loopback. What becomes of its lines, those say that derive from it.</summary>
public abstract class TcpRelay : IAsyncDisposable
{
    private readonly IPEndPoint _to;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private Task _accepting = Task.CompletedTask;
    private int _lines;

    /// <param name="port">Of the server, on loopback.</param>
    protected TcpRelay(int port)
    {
        _to = new IPEndPoint(IPAddress.Loopback, port);
        _listener.Start();
    }

    /// <summary>Where it listens, on loopback.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Lines so far.</summary>
    public int Lines => Volatile.Read(ref _lines);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Begins, once whoever derives from it is ready.</summary>
    protected void Open() => _accepting = AcceptAsync();

    /// <summary>Carries one line, whose ends are closed afterwards.</summary>
    /// <param name="client">Who connected.</param>
    /// <param name="server">To be connected to <paramref name="to"/>.</param>
    /// <param name="to">The server's address.</param>
    /// <param name="stop">The relay is over.</param>
    protected abstract Task CarryAsync(Socket client, Socket server, IPEndPoint to, CancellationToken stop);

    /// <summary>Sends all.</summary>
    protected static async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        while (bytes.Length > 0)
            bytes = bytes[await to.SendAsync(bytes, ct)..];
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
            await CarryAsync(client, server, _to, _stop.Token);
        }
    }
}
