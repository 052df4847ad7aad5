using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Berth.Bench.Tunnel;

/// <summary>A port of loopback behind which the far app is, by whatever is between, and what can be measured there.</summary>
public sealed class Way(string name, int port, IReadOnlyList<int> processes)
{
    private static readonly TimeSpan s_bulkBeforeEcho = TimeSpan.FromMilliseconds(300);
    private readonly byte[] _bytes = new byte[128 * 1024];

    public string Name => name;

    /// <summary>Seconds of processor, of the programs between, for each GB that something moved.</summary>
    public async Task<(double Speed, double Cpu)> WithCpuAsync(Func<Way, Task<double>> moves, long bytes)
    {
        var before = Processes.ProcessorTime(processes);
        var speed = await moves(this);
        return (speed, (Processes.ProcessorTime(processes) - before).TotalSeconds / (bytes / 1e9));
    }

    /// <summary>MB/s of so many downloads at once.</summary>
    public async Task<double> DownAsync(int streams, long bytes)
    {
        var open = await OpenAsync(streams);
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(open.Select(stream => Task.Run(async () =>
        {
            await using (stream)
            {
                await stream.WriteAsync(FarApp.Ask('d', bytes));
                await ReadAsync(stream, bytes);
            }
        })));
        return streams * bytes / 1e6 / watch.Elapsed.TotalSeconds;
    }

    /// <summary>MB/s of one upload.</summary>
    public async Task<double> UpAsync(long bytes)
    {
        await using var stream = (await OpenAsync(1))[0];
        var watch = Stopwatch.StartNew();
        await stream.WriteAsync(FarApp.Ask('u', bytes));
        for (var left = bytes; left > 0; left -= _bytes.Length)
            await stream.WriteAsync(_bytes.AsMemory(0, (int)Math.Min(left, _bytes.Length)));
        await ReadAsync(stream, 1);
        return bytes / 1e6 / watch.Elapsed.TotalSeconds;
    }

    /// <summary>Milliseconds until a new stream has brought its first byte.</summary>
    public async Task<double> FirstByteAsync()
    {
        var watch = Stopwatch.StartNew();
        await using var stream = await ConnectAsync();
        await stream.WriteAsync(FarApp.Ask('d', 1));
        await ReadAsync(stream, 1);
        return watch.Elapsed.TotalMilliseconds;
    }

    /// <summary>Milliseconds until so many streams, opened at once, have brought so many bytes each.</summary>
    public async Task<double> BurstAsync(int streams, int bytes)
    {
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, streams).Select(_ => Task.Run(async () =>
        {
            await using var stream = await ConnectAsync();
            await stream.WriteAsync(FarApp.Ask('d', bytes));
            await ReadAsync(stream, bytes);
        })));
        return watch.Elapsed.TotalMilliseconds;
    }

    /// <summary>Milliseconds that so many single bytes took there and back, one after the other, while another stream carries all it can.</summary>
    public async Task<List<double>> EchoWhileBusyAsync(int count)
    {
        await using var bulk = await ConnectAsync();
        await bulk.WriteAsync(FarApp.Ask('d', long.MaxValue));
        using var enough = new CancellationTokenSource();
        var copying = Task.Run(() => bulk.CopyToAsync(Stream.Null, 128 * 1024, enough.Token));
        await using var keys = await ConnectAsync();
        await keys.WriteAsync(FarApp.Ask('e', 0));
        await Task.Delay(s_bulkBeforeEcho);
        var took = new List<double>();
        for (var i = 0; i < count; i++)
        {
            var watch = Stopwatch.StartNew();
            await keys.WriteAsync(new byte[1]);
            await ReadAsync(keys, 1);
            took.Add(watch.Elapsed.TotalMilliseconds);
            await Task.Delay(10);
        }

        await enough.CancelAsync();
        await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return took;
    }

    private async Task<List<NetworkStream>> OpenAsync(int count)
    {
        var open = new List<NetworkStream>();
        for (var i = 0; i < count; i++)
            open.Add(await ConnectAsync());
        return open;
    }

    private async Task<NetworkStream> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private async Task ReadAsync(NetworkStream stream, long bytes)
    {
        var buffer = bytes > 64 * 1024 ? new byte[128 * 1024] : new byte[(int)bytes];
        while (bytes > 0)
        {
            bytes -= await stream.ReadAsync(buffer) is > 0 and var count
                ? count
                : throw new InvalidOperationException($"{name}: a stream ended {bytes} bytes before its end.");
        }
    }
}
