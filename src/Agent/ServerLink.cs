using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text.Json;
using Berth.Agent.Activity;
using Berth.Agent.Services;
using Berth.Contracts.Agents;
using Berth.Contracts.Json;
using Berth.Core;
using Berth.Tunnel;

namespace Berth.Agent;

/// <summary>
/// The connection to the server: reports, log and activity out, dial-back streams as the server wants them. It comes back
/// for ever, and nothing in the session waits for it. After each reconnect the server gets the complete state and the log
/// from where it has it.
/// </summary>
internal sealed class ServerLink(SessionFolder folder, AgentState state, LogBuffer log, PortWatch ports, Loopback loopback, Wakeup wakeup, ServiceRegistry services, TimeProvider time)
{
    private const int LogChunk = 64 * 1024;
    private const int LongestMessage = 16 * 1024;
    private const int OffsetBytes = 8;
    private static readonly TimeSpan s_drainWithin = TimeSpan.FromMilliseconds(500);

    private readonly TaskCompletionSource _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private AgentActivity? _activity;
    private volatile bool _finishing;

    /// <summary>Connects and reconnects until cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var dialer = new ServerDialer(folder.Order.Server, folder.Token, folder.Authorities);
        var backoff = dialer.Backoff(time);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (await ConnectedAsync(dialer, stop))
                    backoff.Reset();
            }
            catch (Exception e) when (e is WebSocketException or IOException or JsonException or OperationCanceledException)
            {
                // Not there (yet, or any more): the next attempt will tell.
            }
            catch (CryptographicException e)
            {
                log.Say($"the server's certificate authorities cannot be read, so it cannot be connected to: {e.Message}");
            }
            if (_handedOver.Task.IsCompleted)
                return;
            await backoff.PauseAsync(stop);
        }
    }

    /// <summary>Tells of use of the session.</summary>
    public void Tell(AgentActivity activity)
    {
        Volatile.Write(ref _activity, activity);
        wakeup.Set();
    }

    /// <summary>Waits until the server has everything, or until the time is over.</summary>
    public async Task FinishAsync(TimeSpan within)
    {
        _finishing = true;
        wakeup.Set();
        await _handedOver.Task.WaitAsync(within, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <returns>Whether the server had taken the agent in before the connection ended.</returns>
    private async Task<bool> ConnectedAsync(ServerDialer dialer, CancellationToken stop)
    {
        var connection = Guid.NewGuid().ToString("N");
        using var socket = await dialer.ConnectAsync(AgentRoutes.Control, connection, stop);
        var (start, end) = log.Range;
        await SendAsync(socket, new AgentHello(folder.Order.SessionId, folder.Order.Generation, Version, start, end, Services: true), stop);
        if (await ReceiveAsync(socket, stop) is not ServerWelcome welcome)
            return false;
        if (welcome.LogOffset > end)
            log.ContinueFrom(welcome.LogOffset);

        var tunnel = new TunnelClient(ct => dialer.ConnectAsync(AgentRoutes.Stream, connection, ct), services.Host.ServeAsync, loopback) { Wanted = welcome.Streams };
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var streams = tunnel.RunAsync(over.Token);
        var talking = TalkAsync(socket, tunnel, welcome.LogOffset, over.Token);
        var listening = ListenAsync(socket, tunnel, over.Token);
        await Task.WhenAny(talking, listening);
        if (_finishing && talking.IsCompletedSuccessfully)
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await over.CancelAsync();
        await Task.WhenAll(streams, talking, listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return true;
    }

    /// <summary>Sends whatever is new, and returns once the last has been said.</summary>
    private async Task TalkAsync(WebSocket socket, TunnelClient tunnel, long logOffset, CancellationToken ct)
    {
        AgentReport? sent = null;
        PortWatch.Sight? told = null;
        var chunk = new byte[OffsetBytes + LogChunk];
        while (true)
        {
            var finishing = _finishing;
            while (log.Read(logOffset, chunk.AsSpan(OffsetBytes)) is { Count: > 0 } piece)
            {
                BinaryPrimitives.WriteInt64BigEndian(chunk, piece.Offset);
                await socket.SendAsync(chunk.AsMemory(0, OffsetBytes + piece.Count), WebSocketMessageType.Binary, true, ct);
                logOffset = piece.Offset + piece.Count;
            }
            if (state.Report is var report && !ReferenceEquals(report, sent))
                await SendAsync(socket, sent = report, ct);
            if (ports.Now is var seen && seen != told)
                await SendAsync(socket, new AgentPorts((told = seen).Chosen), ct);
            if (Interlocked.Exchange(ref _activity, null) is { } activity)
                await SendAsync(socket, activity, ct);
            if (finishing)
            {
                await tunnel.DrainAsync(s_drainWithin);
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ct);
                return;
            }
            await wakeup.WaitAsync(ct);
        }
    }

    /// <summary>Hears the server until it closes.</summary>
    private async Task ListenAsync(WebSocket socket, TunnelClient tunnel, CancellationToken ct)
    {
        while (true)
        {
            var message = await ReceiveAsync(socket, ct);
            if (message is ServerStreams streams)
                tunnel.Wanted = streams.Count;
            if (message is ServerNotice notice)
                Terminals.Tell(notice.Text);
            if (message is not null)
                continue;
            // The server answers our Close once it has taken all that came before it.
            if (_finishing && socket.CloseStatus == WebSocketCloseStatus.NormalClosure)
                _handedOver.TrySetResult();
            return;
        }
    }

    private static string Version => typeof(ServerLink).Assembly.GetName().Version?.ToString(3) ?? "0";

    private static Task SendAsync(WebSocket socket, AgentMessage message, CancellationToken ct) => socket.SendAsync(message, AgentJson.Default.AgentMessage, ct);

    /// <returns>Null at the end.</returns>
    private static Task<AgentMessage?> ReceiveAsync(WebSocket socket, CancellationToken ct) => socket.ReceiveAsync(AgentJson.Default.AgentMessage, LongestMessage, ct);
}
