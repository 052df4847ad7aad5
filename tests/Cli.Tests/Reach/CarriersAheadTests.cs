using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Berth.Cli.Reach;
using Berth.Contracts.Client;
using Berth.Fakes;

namespace Berth.Cli.Tests.Reach;

public sealed class CarriersAheadTests : IAsyncDisposable
{
    private static readonly TimeSpan s_burst = TimeSpan.FromMilliseconds(100);

    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<WebSocket> _servers = [];
    private readonly CarriersAhead _ahead;
    private readonly Task _keeping;
    private volatile bool _isAway;

    public CarriersAheadTests()
    {
        _ahead = new CarriersAhead(ConnectAsync, _clock);
        _keeping = _ahead.KeepAsync(_stop.Token);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _keeping;
        foreach (var server in _servers)
            server.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task As_many_wait_as_the_last_burst_took_and_a_few_after_a_quiet_while()
    {
        await WaitAsync(2);
        var taken = Enumerable.Range(0, 7).Select(_ => _ahead.Take()).ToList();
        Assert.Equal(2, taken.Count(line => line is not null));

        await WaitAsync(7, s_burst);
        await WaitAsync(2, TimeSpan.FromSeconds(30));
        taken.ForEach(line => line?.Abort());
    }

    [Fact]
    public async Task What_was_taken_is_a_line_to_the_server()
    {
        await WaitAsync(2);
        await using var line = _ahead.Take()!;
        await line.WriteAsync("there"u8.ToArray(), Ct);
        var heard = new byte[16];
        var hearing = _servers.ToDictionary(server => server.ReceiveAsync(heard, Ct));
        var first = await Task.WhenAny(hearing.Keys);
        Assert.Equal(5, (await first).Count);
        var server = hearing[first];
        await server.SendAsync("back"u8.ToArray(), WebSocketMessageType.Binary, true, Ct);
        Assert.Equal(4, await line.ReadAsync(heard, Ct));
    }

    [Fact]
    public async Task One_that_the_server_has_closed_is_not_handed_out()
    {
        await WaitAsync(2);
        foreach (var server in _servers)
            server.Abort();
        await Eventually.TrueAsync(() => _ahead.Take() is null, "none is left");
    }

    [Fact]
    public async Task Where_one_does_not_answer_none_of_the_others_is_trusted()
    {
        await WaitAsync(2);
        await using var silent = _ahead.Take()!;
        var reading = silent.ReadAsync(new byte[1], Ct).AsTask();
        _isAway = true;
        _clock.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAnyAsync<IOException>(() => reading);
        await WaitAsync(0);
    }

    [Fact]
    public async Task A_server_that_is_away_is_asked_again_with_the_next_use()
    {
        await WaitAsync(2);
        _isAway = true;
        var taken = new[] { _ahead.Take()!, _ahead.Take()! };
        await WaitAsync(0, s_burst);
        _isAway = false;
        Assert.Null(_ahead.Take());
        await WaitAsync(3, s_burst);
        Assert.All(taken, line => Assert.False(line.Answered.IsCompleted));
        foreach (var line in taken)
            line.Abort();
    }

    [Fact]
    public async Task All_are_closed_when_the_command_ends()
    {
        await WaitAsync(2);
        await _stop.CancelAsync();
        await _keeping;
        Assert.Equal(0, _ahead.Count);
        foreach (var server in _servers)
            Assert.Equal(WebSocketMessageType.Close, (await server.ReceiveAsync(new byte[1].AsMemory(), Ct)).MessageType);
    }

    private Task WaitAsync(int count, TimeSpan passing = default) => Eventually.TrueAsync(
        () =>
        {
            if (_ahead.Count == count)
                return true;
            _clock.Advance(passing);
            return false;
        },
        $"{count} wait");

    private async Task<WebSocket> ConnectAsync(CancellationToken ct)
    {
        if (_isAway)
            throw new ServerUnreachableException("It is away.");
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!, ct);
        _servers.Add(Socket(await listener.AcceptAsync(ct), isServer: true));
        return Socket(client, isServer: false);
    }

    private static WebSocket Socket(Socket socket, bool isServer) =>
        WebSocket.CreateFromStream(new NetworkStream(socket, ownsSocket: true), new WebSocketCreationOptions { IsServer = isServer });
}
