using System.Net.WebSockets;
using Berth.Fakes;
using Berth.Tunnel.Tests.House;

namespace Berth.Tunnel.Tests;

/// <summary>How many streams an agent keeps waiting, and when it opens more.</summary>
public sealed class TunnelClientTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch);
    private readonly AgentTunnel _tunnel = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TunnelClient _client;
    private readonly Task _running;
    private int _opened;

    public TunnelClientTests()
    {
        _client = new TunnelClient(_ => Task.FromResult(Open()), (carrier, ct) => carrier.ReadAsync(new byte[1], ct).AsTask(), time: _clock) { Wanted = 16 };
        _running = _client.RunAsync(_stop.Token);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ABurstIsLetThroughBeforeWhatItTookIsReplaced()
    {
        await OpenedAsync(16);
        for (var i = 0; i < 11; i++)
            await _tunnel.DialAsync(0, Ct);
        Assert.Equal(16, _opened);
        await Eventually.TrueAsync(
            () =>
            {
                _clock.Advance(TimeSpan.FromMilliseconds(100));
                return Volatile.Read(ref _opened) == 27;
            },
            "what was taken is replaced");
    }

    [Fact]
    public async Task WhereFewAreLeftMoreAreOpenedAtOnce()
    {
        await OpenedAsync(16);
        for (var i = 0; i < 12; i++)
            await _tunnel.DialAsync(0, Ct);
        await OpenedAsync(28);
    }

    [Fact]
    public async Task AServerThatWantsMoreGetsThemAtOnce()
    {
        await OpenedAsync(16);
        _client.Wanted = 64;
        await OpenedAsync(64);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _tunnel.Dispose();
        _stop.Dispose();
    }

    private Task OpenedAsync(int count) => Eventually.TrueAsync(() => Volatile.Read(ref _opened) == count, $"{count} were opened");

    private WebSocket Open()
    {
        var (here, there) = Pair.Make();
        _ = _tunnel.ServeAsync(WebSocket.CreateFromStream(here, new WebSocketCreationOptions { IsServer = true }));
        Interlocked.Increment(ref _opened);
        return WebSocket.CreateFromStream(there, new WebSocketCreationOptions());
    }
}
