using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using Berth.Contracts.Agents;
using Berth.Contracts.Json;
using Berth.Core.Sessions;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Server.Tests.Agents;

/// <summary>Speaks an agent's protocol with the real tunnel, and says what a test tells it to say.</summary>
public sealed class SimulatedAgent : IAsyncDisposable
{
    private readonly ServerDialer _dialer;
    private readonly WebSocket _control;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private bool _isOver;

    private SimulatedAgent(ServerDialer dialer, WebSocket control, string connection, ServerWelcome welcome, ResumableHost services)
    {
        (_dialer, _control, Welcome, Services) = (dialer, control, welcome, services);
        Tunnel = new TunnelClient(ct => dialer.ConnectAsync(AgentRoutes.Stream, connection, ct), Services.ServeAsync, new Loopback()) { Wanted = welcome.Streams };
        _running = Task.WhenAll(Tunnel.RunAsync(_stop.Token), ReadAsync());
    }

    public ServerWelcome Welcome { get; }

    /// <summary>Whichever service is asked for.</summary>
    public ResumableHost Services { get; }

    public TunnelClient Tunnel { get; }

    /// <summary>What the server had to tell to whoever is inside.</summary>
    public ConcurrentQueue<string> Notices { get; } = [];

    /// <summary>Completes when the server ends the control connection.</summary>
    public TaskCompletionSource Cut { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static Task<SimulatedAgent> ConnectAsync(AgentServer server, SessionKey key, CancellationToken ct) =>
        ConnectAsync(server.Dialer(key), key, ct);

    /// <param name="dialer">To the server.</param>
    /// <param name="key">Of its session.</param>
    /// <param name="ct">Gives up.</param>
    /// <param name="services">Whether it says that it has any.</param>
    /// <param name="host">Its services; null: sends back whatever it gets.</param>
    public static async Task<SimulatedAgent> ConnectAsync(ServerDialer dialer, SessionKey key, CancellationToken ct, bool services = true, ResumableHost? host = null)
    {
        var connection = Guid.NewGuid().ToString("N");
        var control = await dialer.ConnectAsync(AgentRoutes.Control, connection, ct);
        await SendAsync(control, new AgentHello(key.SessionId, key.Generation, "test", 0, 0, services), ct);
        var welcome = (ServerWelcome)(await ReceiveAsync(control, ct))!;
        return new SimulatedAgent(dialer, control, connection, welcome, host ?? Echo());
    }

    public Task SayAsync(AgentMessage message, CancellationToken ct) => SendAsync(_control, message, ct);

    public async Task LogAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        var message = new byte[8 + bytes.Length];
        BinaryPrimitives.WriteInt64BigEndian(message, offset);
        bytes.CopyTo(message.AsMemory(8));
        await _control.SendAsync(message, WebSocketMessageType.Binary, true, ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isOver)
            return;
        _isOver = true;
        await _stop.CancelAsync();
        _control.Abort();
        await _running;
        _control.Dispose();
        _dialer.Dispose();
        _stop.Dispose();
    }

    private static ResumableHost Echo() =>
        new((_, _) => Task.FromResult<Serving>((stream, ct) => Splice.CopyAsync(stream, stream, null, ct)), new ResumableOptions());

    private static async Task SendAsync(WebSocket control, AgentMessage message, CancellationToken ct) =>
        await control.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message, AgentJson.Default.AgentMessage), WebSocketMessageType.Text, true, ct);

    private static async Task<AgentMessage?> ReceiveAsync(WebSocket control, CancellationToken ct)
    {
        var buffer = new byte[4096];
        var received = await control.ReceiveAsync(buffer.AsMemory(), ct);
        return received.MessageType == WebSocketMessageType.Close
            ? null
            : JsonSerializer.Deserialize(buffer.AsSpan(0, received.Count), AgentJson.Default.AgentMessage);
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await ReceiveAsync(_control, _stop.Token) is { } message)
            {
                if (message is ServerStreams streams)
                    Tunnel.Wanted = streams.Count;
                if (message is ServerNotice notice)
                    Notices.Enqueue(notice.Text);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // Cut by either side.
        }
        Cut.TrySetResult();
    }
}
