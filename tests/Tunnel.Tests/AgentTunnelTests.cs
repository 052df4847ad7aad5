using System.Net.WebSockets;
using System.Text;
using Berth.Fakes;
using Berth.Tunnel.Tests.House;

namespace Berth.Tunnel.Tests;

/// <summary>The server's dials, with an agent that takes its time.</summary>
public sealed class AgentTunnelTests : IAsyncDisposable
{
    private const int Port = 8888;
    private readonly PauseClock _clock = new();
    private readonly AgentTunnel _tunnel;
    private readonly WebSocket _agent;
    private readonly Task _served;

    public AgentTunnelTests()
    {
        var (here, there) = Pair.Make();
        _agent = WebSocket.CreateFromStream(there, new WebSocketCreationOptions());
        _tunnel = new AgentTunnel(_clock);
        _served = _tunnel.ServeAsync(WebSocket.CreateFromStream(here, new WebSocketCreationOptions { IsServer = true }));
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatIsWrittenGoesInTheSameRoundTripAsTheDial()
    {
        await using var stream = await _tunnel.DialAheadAsync(Port, Ct);
        await stream.WriteAsync("question"u8.ToArray(), Ct);
        // The agent has answered nothing so far.
        Assert.Equal([Port >> 8, Port & 0xff], await HearAsync());
        Assert.Equal("question"u8.ToArray(), await HearAsync());
        await SayAsync([(byte)DialStatus.Connected]);
        await SayAsync("answer"u8.ToArray());
        var answer = new byte[6];
        await stream.ReadExactlyAsync(answer, Ct);
        Assert.Equal("answer", Encoding.UTF8.GetString(answer));
    }

    [Fact]
    public async Task ARefusalComesWithTheFirstReadWhateverWasWritten()
    {
        await using var stream = await _tunnel.DialAheadAsync(Port, Ct);
        await stream.WriteAsync("question"u8.ToArray(), Ct);
        await SayAsync([(byte)DialStatus.Refused]);
        var refused = await Assert.ThrowsAsync<DialRefusedException>(() => stream.ReadExactlyAsync(new byte[1], Ct).AsTask());
        Assert.Equal((Port, DialStatus.Refused), (refused.Port, refused.Status));
    }

    [Fact]
    public async Task AnEndWithoutAnAnswerIsALossAndNoEnd()
    {
        await using var stream = await _tunnel.DialAheadAsync(Port, Ct);
        await _agent.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Ct);
        await Assert.ThrowsAsync<AgentNotConnectedException>(() => stream.ReadExactlyAsync(new byte[1], Ct).AsTask());
    }

    [Fact]
    public async Task ADialThatWaitsForTheAnswerThrowsTheRefusalItself()
    {
        var dial = _tunnel.DialAsync(Port, Ct);
        await HearAsync();
        Assert.False(dial.IsCompleted);
        await SayAsync([(byte)DialStatus.Failed]);
        await Assert.ThrowsAsync<DialRefusedException>(() => dial);
    }

    [Fact]
    public async Task WhatCarriedAStreamIsClearedAwayALittleAfterItIsOver()
    {
        await (await _tunnel.DialAheadAsync(Port, Ct)).DisposeAsync();
        await _clock.Pauses.ReadAsync(Ct);
        Assert.Equal((0, false), (_tunnel.Count, _served.IsCompleted));
        _clock.Advance(TimeSpan.FromSeconds(1));
        await _served.WaitAsync(Ct);
    }

    [Fact]
    public async Task WhatCarriedAStreamGoesWithTheTunnel()
    {
        await (await _tunnel.DialAheadAsync(Port, Ct)).DisposeAsync();
        await _clock.Pauses.ReadAsync(Ct);
        _tunnel.Dispose();
        await _served.WaitAsync(Ct);
    }

    public ValueTask DisposeAsync()
    {
        _tunnel.Dispose();
        _agent.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<byte[]> HearAsync()
    {
        var buffer = new byte[64];
        var received = await _agent.ReceiveAsync(buffer.AsMemory(), Ct);
        return buffer[..received.Count];
    }

    private Task SayAsync(byte[] bytes) => _agent.SendAsync(bytes, WebSocketMessageType.Binary, true, Ct);
}
