using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.RegularExpressions;

namespace Berth.Bench;

/// <summary>One way to the app: an address on this machine, the name it is asked by, and the cookie that lets in.</summary>
/// <param name="Name">For people.</param>
/// <param name="Port">Of loopback.</param>
/// <param name="ProcessIds">Ids of the proxy's processes, whose processor time is counted.</param>
/// <param name="Host">Host header; the port's own when null.</param>
/// <param name="Cookie">Cookie header, where the way asks for one.</param>
public sealed partial record Proxied(string Name, int Port, int[] ProcessIds, string? Host = null, string? Cookie = null)
{
    private IEnumerable<string> Headers =>
        [.. Host is null ? Array.Empty<string>() : ["-H", $"Host: {Host}"], .. Cookie is null ? Array.Empty<string>() : ["-H", $"Cookie: {Cookie}"]];

    /// <summary>Small answers as fast as they come, over so many connections.</summary>
    public async Task<Load> LoadAsync(int seconds, int connections)
    {
        var before = ProcessorTime();
        var (output, _) = await Processes.RunAsync(
            "wrk", ["-t1", $"-c{connections}", $"-d{seconds}s", "--latency", .. Headers, $"http://127.0.0.1:{Port}/"]);
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || output.Contains("Socket errors", StringComparison.Ordinal))
            throw new InvalidOperationException($"{Name} failed under load:\n{output}");
        var cpu = ProcessorTime() - before;
        return new Load(
            double.Parse(Rate().Match(output).Groups[1].Value, CultureInfo.InvariantCulture), Milliseconds(output, "50%"), Milliseconds(output, "99%"),
            cpu.TotalMicroseconds / double.Parse(Count().Match(output).Groups[1].Value, CultureInfo.InvariantCulture));
    }

    private TimeSpan ProcessorTime() => ProcessIds.Aggregate(TimeSpan.Zero, (sum, id) =>
    {
        using var process = Process.GetProcessById(id);
        return sum + process.TotalProcessorTime;
    });

    /// <summary>MB/s of one download.</summary>
    public Task<double> DownAsync(long bytes) => CurlAsync("%{speed_download}", [$"http://127.0.0.1:{Port}/large?size={bytes}"]);

    /// <summary>MB/s of one upload.</summary>
    public Task<double> UpAsync(string file) => CurlAsync("%{speed_upload}", ["-T", file, "-H", "Expect:", "-X", "POST", $"http://127.0.0.1:{Port}/sink"]);

    /// <summary>MB/s of WebSocket messages from the app.</summary>
    public async Task<double> SocketAsync(int messages, int size)
    {
        using var socket = new ClientWebSocket();
        if (Cookie is not null)
            socket.Options.SetRequestHeader("Cookie", Cookie);
        using var http = Http(Port);
        await socket.ConnectAsync(new Uri($"ws://{Host ?? $"127.0.0.1:{Port}"}/socket?messages={messages}&size={size}"), http, default);
        var (buffer, received) = (new byte[256 * 1024], 0L);
        var watch = Stopwatch.StartNew();
        while (await socket.ReceiveAsync(buffer.AsMemory(), default) is { MessageType: not WebSocketMessageType.Close } part)
            received += part.Count;
        if (received != (long)messages * size)
            throw new InvalidOperationException($"{Name}: {received} bytes came of {(long)messages * size}.");
        return received / 1e6 / watch.Elapsed.TotalSeconds;
    }

    /// <summary>A client that finds every name at one port of loopback.</summary>
    public static HttpMessageInvoker Http(int port) => new(new SocketsHttpHandler
    {
        UseCookies = false,
        AllowAutoRedirect = false,
        ConnectCallback = async (_, ct) =>
        {
            var connection = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await connection.ConnectAsync(IPAddress.Loopback, port, ct);
            return new NetworkStream(connection, ownsSocket: true);
        },
    });

    private async Task<double> CurlAsync(string figure, string[] request)
    {
        var (output, _) = await Processes.RunAsync("curl", ["-s", "-S", "--fail", "-o", "/dev/null", "-w", figure, .. Headers, .. request]);
        return double.Parse(output, CultureInfo.InvariantCulture) / 1e6;
    }

    // wrk writes 730.00us, 1.20ms or 1.05s.
    private static double Milliseconds(string output, string percentile)
    {
        var match = Regex.Match(output, Regex.Escape(percentile) + @"\s+([\d.]+)(us|ms|s)");
        var figure = double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        return match.Groups[2].Value switch { "us" => figure / 1000, "ms" => figure, _ => figure * 1000 };
    }

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Count();
}

/// <summary>What a proxy bore.</summary>
/// <param name="PerSecond">Requests.</param>
/// <param name="P50">Milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
/// <param name="Cpu">Microseconds of processor for each request, of the proxy alone.</param>
public sealed record Load(double PerSecond, double P50, double P99, double Cpu);
