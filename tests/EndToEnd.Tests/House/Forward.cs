using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.House;

/// <summary>A <c>berth session forward</c> or <c>attach</c> that runs.</summary>
internal sealed class Forward : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _said = new();
    private readonly Task _hearing;

    private Forward(Process process)
    {
        _process = process;
        _hearing = HearAsync();
    }

    /// <summary>Local ports, in the order they were asked for.</summary>
    public IReadOnlyList<int> Ports { get; private set; } = [];

    /// <summary>Its words so far.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    public static async Task<Forward> StartAsync(IReadOnlyDictionary<string, string?> variables, params string[] arguments)
    {
        var forward = new Forward(Ran.Start(Published.Command, ["session", .. arguments, "-o", "json"], variables, null));
        await forward.ReadPortsAsync();
        return forward;
    }

    /// <summary>Waits for the next list of ports that it prints, and takes them in behind those before.</summary>
    public async Task<JsonElement> ReadPortsAsync()
    {
        var json = new StringBuilder();
        while (await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && json.AppendLine(line) is not null && line != "]")
        {
        }
        Assert.True(json.Length > 0, $"it ended: {Said}");
        var list = JsonDocument.Parse(json.ToString()).RootElement;
        Ports = [.. Ports, .. list.EnumerateArray()
            .Select(port => int.Parse(port.GetProperty("local").GetString()!.Split(':')[^1], System.Globalization.CultureInfo.InvariantCulture))];
        return list;
    }

    /// <summary>Its exit code, once it has ended by itself.</summary>
    public async Task<int> EndedAsync(TimeSpan within)
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(within);
        await _hearing;
        return _process.ExitCode;
    }

    /// <summary>Connects to a local port.</summary>
    public async Task<NetworkStream> ConnectAsync(int index = 0)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", Ports[index], TestContext.Current.CancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        await _hearing;
        _process.Dispose();
    }

    private async Task HearAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_said)
                _said.AppendLine(line);
        }
    }
}
