using System.Net.WebSockets;
using System.Text.Json;
using Berth.Contracts.Agents;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Core.Sessions;
using Berth.Tunnel;

namespace Berth.Server.Agents;

/// <summary>One control connection of one agent, and the streams that belong to it.</summary>
internal sealed class ConnectedAgent : IDisposable
{
    // While nobody uses a session few streams wait, and none that costs a connection over the network. A page that loads
    // opens dozens at once: where many dials had to wait, more streams wait for the next ones.
    private const int IdleStreamsHere = 2;
    private const int BusyStreams = 16;
    private const int MostStreams = 64;
    private const int ManyDials = 8;
    // A session's own processes hold its token: what they can make the server hold is bounded.
    public const int MaximumStreams = 512;
    private static readonly TimeSpan s_busyFor = TimeSpan.FromMinutes(1);

    private readonly WebSocket _socket;
    private readonly TimeProvider _time;
    private readonly ITimer _cooling;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly AgentTunnel _tunnel = new();
    private volatile int _wanted;
    private long _lastDial;

    public ConnectedAgent(SessionKey key, string connection, WebSocket socket, bool byNetwork, TimeProvider time)
    {
        Key = key;
        _wanted = IdleStreams = byNetwork ? 0 : IdleStreamsHere;
        Connection = connection;
        _socket = socket;
        _time = time;
        _cooling = time.CreateTimer(_ => _ = CoolAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public SessionKey Key { get; }

    /// <summary>How many streams it keeps ready while nobody uses the session.</summary>
    public int IdleStreams { get; }

    /// <summary>The name the agent gave to this connection.</summary>
    public string Connection { get; }

    /// <summary>Whether it takes dials to port 0.</summary>
    public bool HasServices { get; set; }

    public async Task<TunnelStream> DialAsync(int port, CancellationToken ct)
    {
        // An agent that does not know them would end the stream without an answer.
        if (port == ServiceRoutes.AgentPort && !HasServices)
            throw new AgentTooOldException();
        // Before what is wanted is looked at: whoever cools looks the other way round, and one of the two sees the other.
        Interlocked.Exchange(ref _lastDial, _time.GetTimestamp());
        if (Grown(_wanted) != _wanted)
            await GrowAsync(ct);
        return await _tunnel.DialAheadAsync(port, ct);
    }

    /// <summary>Takes a stream that the agent opened, until it is over.</summary>
    public Task ServeStreamAsync(WebSocket socket)
    {
        if (_tunnel.Count < MaximumStreams)
            return _tunnel.ServeAsync(socket);
        socket.Abort();
        return Task.CompletedTask;
    }

    public Task SendAsync(AgentMessage message, CancellationToken ct) => SendAsync(() => message, ct);

    /// <summary>The agent said goodbye: its streams end by themselves.</summary>
    public bool Finished { get; set; }

    /// <summary>Ends the connection and all its streams.</summary>
    public void Dispose()
    {
        _cooling.Dispose();
        if (Finished)
            _tunnel.Complete();
        else
            _tunnel.Dispose();
        _socket.Abort();
    }

    /// <param name="say">What to say, decided when nothing else is being said: so the agent hears decisions in their order. Null: nothing.</param>
    /// <param name="ct">Gives up.</param>
    private async Task SendAsync(Func<AgentMessage?> say, CancellationToken ct)
    {
        await _sending.WaitAsync(ct);
        try
        {
            if (say() is { } message)
                await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message, AgentJson.Default.AgentMessage), WebSocketMessageType.Text, true, ct);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException)
        {
            throw new AgentNotConnectedException("The session's agent has just disconnected.", e);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <returns>How many streams are to wait from now on.</returns>
    private int Grown(int wanted) =>
        wanted < BusyStreams ? BusyStreams : _tunnel.Dialling >= ManyDials ? Math.Min(wanted * 2, MostStreams) : wanted;

    private Task GrowAsync(CancellationToken ct) => SendAsync(
        () =>
        {
            if (Grown(_wanted) is var wanted && wanted == _wanted)
                return null;
            _wanted = wanted;
            _cooling.Change(s_busyFor, Timeout.InfiniteTimeSpan);
            return new ServerStreams(wanted);
        },
        ct);

    private async Task CoolAsync()
    {
        try
        {
            await SendAsync(Cool, CancellationToken.None);
            await _tunnel.TrimAsync(_wanted);
        }
        catch (Exception e) when (e is AgentNotConnectedException or ObjectDisposedException)
        {
            // It went away meanwhile.
        }
    }

    private ServerStreams? Cool()
    {
        var before = Interlocked.Exchange(ref _wanted, IdleStreams);
        var quiet = _time.GetElapsedTime(Interlocked.Read(ref _lastDial));
        if (quiet >= s_busyFor)
            return new ServerStreams(IdleStreams);
        _wanted = before;
        _cooling.Change(s_busyFor - quiet, Timeout.InfiniteTimeSpan);
        return null;
    }
}
