using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Berth.Fakes;

/// <summary>
/// An HTTP proxy as companies have them: it knows CONNECT alone, may ask who comes (RFC 9110, 11.7), and closes connections on
/// which nothing was said for a while.
/// </summary>
public sealed class ConnectProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Task, byte> _serving = new();
    private readonly TimeSpan _idle;
    private readonly TimeProvider _time;
    private readonly string? _authorization;
    private readonly Task _accepting;
    private int _connects;
    private int _closedIdle;
    private int _asked;
    private long _longest;

    /// <param name="idle">How long a connection may be silent.</param>
    /// <param name="time">The clock.</param>
    /// <param name="credentials"><c>NAME:PASSWORD</c> of those who are let through; null: everybody is.</param>
    public ConnectProxy(TimeSpan idle, TimeProvider time, string? credentials = null)
    {
        (_idle, _time) = (idle, time);
        _authorization = credentials is null ? null : $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))}\r\n";
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Connections that were asked for.</summary>
    public int Connects => Volatile.Read(ref _connects);

    /// <summary>How often it asked who comes.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Connections that were closed because nothing was said on them.</summary>
    public int ClosedIdle => Volatile.Read(ref _closedIdle);

    /// <summary>The longest that a connection has carried bytes for, from its begin to its last byte.</summary>
    public TimeSpan LongestInUse => new(Volatile.Read(ref _longest));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_serving.Keys);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var serving = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
                _serving[serving] = 0;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var target = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            try
            {
                if (await TargetAsync(client) is not (var host, var port))
                    return;
                Interlocked.Increment(ref _connects);
                await target.ConnectAsync(host, port, _stop.Token);
                await client.SendAsync("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray(), _stop.Token);
                using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                var begun = _time.GetTimestamp();
                await using var idle = _time.CreateTimer(_ => { Interlocked.Increment(ref _closedIdle); over.Cancel(); }, null, _idle, Timeout.InfiniteTimeSpan);
                await Task.WhenAny(CopyAsync(client, target, begun, idle, over.Token), CopyAsync(target, client, begun, idle, over.Token));
                await over.CancelAsync();
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Cut.
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to, long begun, ITimer idle, CancellationToken ct)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, ct) is not 0 and var count)
            {
                idle.Change(_idle, Timeout.InfiniteTimeSpan);
                await to.SendAsync(buffer.AsMemory(0, count), ct);
                Longest(_time.GetElapsedTime(begun).Ticks);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other direction is ended by who waits for this one.
        }
    }

    private void Longest(long ticks)
    {
        for (var seen = Volatile.Read(ref _longest); ticks > seen; seen = Volatile.Read(ref _longest))
            Interlocked.CompareExchange(ref _longest, ticks, seen);
    }

    private async Task<(string Host, int Port)?> TargetAsync(Socket client)
    {
        var head = new byte[4096];
        for (var filled = 0; filled < head.Length;)
        {
            var count = await client.ReceiveAsync(head.AsMemory(filled), _stop.Token);
            if (count == 0)
                return null;
            filled += count;
            var text = Encoding.ASCII.GetString(head, 0, filled);
            if (!text.Contains("\r\n\r\n", StringComparison.Ordinal))
                continue;
            if (_authorization is not null && !text.Contains(_authorization, StringComparison.OrdinalIgnoreCase))
            {
                Interlocked.Increment(ref _asked);
                await client.SendAsync("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"site\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), _stop.Token);
                return null;
            }
            return text.Split(' ') is ["CONNECT", var target, ..] && target.Split(':') is [var host, var port] ? (host, int.Parse(port)) : null;
        }

        return null;
    }
}
