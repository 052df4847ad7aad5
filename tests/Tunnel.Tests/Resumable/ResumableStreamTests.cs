using System.Text;
using Berth.Fakes;
using Berth.Tunnel.Resumable;
using Berth.Tunnel.Tests.House;

namespace Berth.Tunnel.Tests.Resumable;

public sealed class ResumableStreamTests
{
    private static CancellationToken Ct => World.Ct;

    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch);

    private ResumableOptions Timed => new() { Time = _clock };

    [Fact]
    public async Task EachDirectionEndsByItself()
    {
        var world = new World(async (stream, ct) =>
        {
            var question = await World.ReadAllAsync(stream);
            await stream.WriteAsync("answer to "u8.ToArray(), ct);
            await stream.WriteAsync(question, ct);
        });
        await using var stream = await world.OpenAsync();
        await stream.WriteAsync("question"u8.ToArray(), Ct);
        await stream.CompleteWritesAsync(Ct);
        Assert.Equal("answer to question", Encoding.UTF8.GetString(await World.ReadAllAsync(stream)));
        await stream.DeliveredAsync(Ct);
        await stream.Ended.WaitAsync(Ct);
        await Eventually.TrueAsync(() => world.Host.Count == 0, "the host holds nothing");
    }

    [Fact]
    public async Task ARefusalIsTheHostsOwnSentence()
    {
        var host = new ResumableHost((_, _) => throw new StreamRefusedException("Nothing listens on port 3000 of the session."), Timed);
        var refused = await Assert.ThrowsAsync<StreamRefusedException>(() => ResumableClient.OpenAsync(_ => Connected(host), "r"u8.ToArray(), Timed, Ct));
        Assert.Equal("Nothing listens on port 3000 of the session.", refused.Message);
        Assert.Equal(0, host.Count);
    }

    [Fact]
    public async Task AResetTellsTheOtherSideWhy()
    {
        var world = new World(async (stream, ct) =>
        {
            await stream.ReadExactlyAsync(new byte[1], ct);
            stream.Abort("The program was killed.");
        });
        await using var stream = await world.OpenAsync();
        await stream.WriteAsync(new byte[1], Ct);
        var lost = await Assert.ThrowsAsync<StreamLostException>(async () => await stream.ReadExactlyAsync(new byte[1], Ct));
        Assert.Equal("The program was killed.", lost.Message);
    }

    [Fact]
    public async Task AResetWhileTheLineIsAwayIsHeardByTheNextOne()
    {
        var kill = new TaskCompletionSource();
        var lineAway = new TaskCompletionSource();
        var world = new World(
            async (stream, _) =>
            {
                await kill.Task;
                stream.Abort("The program was killed.");
                lineAway.SetResult();
            },
            attempt => attempt == 0 || kill.Task.IsCompleted ? new Line() : null,
            new ResumableOptions { LastRetry = TimeSpan.FromMilliseconds(1) });
        await using var stream = await world.OpenAsync();
        world.Current!.Cut();
        await Eventually.TrueAsync(() => world.Attempts > 2, "the client asks for lines");
        kill.SetResult();
        await lineAway.Task.WaitAsync(Ct);
        var lost = await Assert.ThrowsAsync<StreamLostException>(async () => await stream.ReadExactlyAsync(new byte[1], Ct));
        Assert.Equal("The program was killed.", lost.Message);
    }

    [Fact]
    public async Task AStreamWithoutALineIsHeldForFiveMinutesAndNoLonger()
    {
        var served = new TaskCompletionSource<Exception?>();
        var alone = new TaskCompletionSource();
        var world = new World(
            async (stream, _) => served.SetResult(await Record.ExceptionAsync(async () => await stream.ReadExactlyAsync(new byte[1], Ct))),
            attempt => attempt == 0 ? new Line() : null,
            Timed with { Lost = () => alone.TrySetResult() });
        await using var stream = await world.OpenAsync();
        var reading = stream.ReadAsync(new byte[1], Ct).AsTask();
        world.Current!.Cut();
        // A clock stands still: the timers of the five minutes have to have begun.
        await Task.WhenAll(alone.Task, world.Served).WaitAsync(Ct);
        _clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        Assert.False(reading.IsCompleted);
        Assert.Equal(1, world.Host.Count);

        _clock.Advance(TimeSpan.FromSeconds(1));
        var lost = await Assert.ThrowsAsync<StreamLostException>(() => reading);
        Assert.Equal("The connection was lost, and did not come back within 5 minutes.", lost.Message);
        Assert.IsType<StreamLostException>(await served.Task.WaitAsync(Ct));
        await Eventually.TrueAsync(() => world.Host.Count == 0, "the host holds nothing");
    }

    [Theory]
    [InlineData(true, 30)]
    [InlineData(false, 300)]
    public async Task AStreamWhoseClientClosedItsLineIsHeldForLessThanOneWhoseLineWasCut(bool closed, int seconds)
    {
        var lost = new TaskCompletionSource();
        var line = new Line();
        var host = new ResumableHost(
            (_, _) => Task.FromResult<Serving>((_, ct) =>
            {
                ct.Register(lost.SetResult);
                return lost.Task;
            }),
            Timed with { HoldOfClosed = TimeSpan.FromSeconds(30) });
        var served = host.ServeAsync(line.Host, CancellationToken.None);
        await StreamHello.New("r"u8.ToArray(), 1000).WriteAsync(line.Client, Ct);
        await StreamAnswer.ReadAsync(line.Client, Ct);
        if (closed)
            await line.Client.DisposeAsync();
        else
            line.Cut();
        await served.WaitAsync(Ct);
        _clock.Advance(TimeSpan.FromSeconds(seconds - 1));
        Assert.False(lost.Task.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await lost.Task.WaitAsync(TimeSpan.FromSeconds(10), Ct);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LinesThatComeToNothingDoNotMakeTheFiveMinutesLonger(bool answered)
    {
        var lines = new List<Line>();
        var away = new TaskCompletionSource();
        var host = new World(World.EchoAsync, options: Timed);
        await using var stream = await ResumableClient.OpenAsync(
            async ct =>
            {
                if (lines.Count == 0)
                    return Track(await host.ConnectAsync(ct));
                var line = new Line();
                // It has what was never sent.
                if (answered)
                    await new StreamAnswer(1000, 1000).WriteAsync(line.Host, ct);
                return Track(line.Client, line);
            },
            "request"u8.ToArray(), Timed with { Lost = () => away.TrySetResult() }, Ct);
        host.Current!.Cut();
        await away.Task.WaitAsync(Ct);
        for (var second = 0; second < 300 && !stream.Ended.IsCompleted; second++)
        {
            var before = lines.Count;
            _clock.Advance(TimeSpan.FromSeconds(1));
            if (second % 30 == 0)
                await Eventually.TrueAsync(() => { _clock.Advance(TimeSpan.FromMilliseconds(100)); return lines.Count > before || stream.Ended.IsCompleted; }, "it is tried again");
        }
        Assert.True(lines.Count > 3);
        Assert.Equal("The connection was lost, and did not come back within 5 minutes.", stream.Failure);

        Stream Track(Stream end, Line? line = null)
        {
            lines.Add(line ?? host.Current!);
            return end;
        }
    }

    [Fact]
    public async Task ABlackHoleIsFoundWithinTenSecondsAndAQuietLineIsNotOne()
    {
        var world = new World(World.EchoAsync, options: Timed);
        await using var stream = await world.OpenAsync();
        for (var second = 0; second < 60; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            // Whoever is asked has to get his turn: the clock moves faster than anything else here.
            await stream.WriteAsync("x"u8.ToArray(), Ct);
            await stream.ReadExactlyAsync(new byte[1], Ct);
        }
        Assert.Equal(1, world.Attempts);

        world.Current!.GoSilent();
        await stream.WriteAsync("through"u8.ToArray(), Ct);
        for (var second = 0; second < 11; second++)
            _clock.Advance(TimeSpan.FromSeconds(1));
        var echo = new byte[7];
        var reading = stream.ReadExactlyAsync(echo, Ct).AsTask();
        await Eventually.TrueAsync(
            () =>
            {
                _clock.Advance(TimeSpan.FromMilliseconds(100));
                return reading.IsCompleted;
            },
            "the stream goes on over another line");
        Assert.Equal("through", Encoding.UTF8.GetString(echo));
        Assert.InRange(world.Attempts, 2, 4);
    }

    [Fact]
    public async Task AQuietLineIsAskedAndAnswers()
    {
        var world = new World(World.EchoAsync, options: new ResumableOptions { Pulse = TimeSpan.FromMilliseconds(50) });
        await using var stream = await world.OpenAsync();
        using var pulses = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var pulse = 0; pulse < 20; pulse++)
            await pulses.WaitForNextTickAsync(Ct);
        Assert.Equal(1, world.Attempts);
        Assert.Null(stream.Failure);
    }

    [Fact]
    public async Task ASlowReaderHoldsUpItsWriterAtTheWindow()
    {
        ResumableStream? inside = null;
        var read = new TaskCompletionSource();
        var world = new World(
            async (stream, ct) =>
            {
                inside = stream;
                await read.Task;
                await Splice.CopyAsync(stream, Stream.Null, null, ct);
            },
            options: new ResumableOptions { Window = 64 * 1024 });
        await using var stream = await world.OpenAsync();
        var writing = stream.WriteAsync(new byte[10 << 20], Ct).AsTask();
        await Eventually.TrueAsync(() => inside?.Held == 64 * 1024, "the window is full");
        Assert.False(writing.IsCompleted);
        Assert.Equal(64 * 1024, stream.Held);
        read.SetResult();
        await writing.WaitAsync(Ct);
        await stream.CompleteWritesAsync(Ct);
        await stream.DeliveredAsync(Ct);
    }

    [Fact]
    public async Task AStolenIdWithoutTheSecretGetsNothingAndDisturbsNobody()
    {
        var world = new World(World.EchoAsync, options: Timed);
        StreamHello? hello = null;
        await using var stream = await ResumableClient.OpenAsync(
            ct =>
            {
                var line = new Line();
                _ = RelayAsync(line.Host, world.Host, h => hello = h);
                return Task.FromResult<Stream>(line.Client);
            },
            "request"u8.ToArray(), Timed, Ct);
        await stream.WriteAsync("mine"u8.ToArray(), Ct);
        await stream.ReadExactlyAsync(new byte[4], Ct);

        foreach (var goesOn in (bool[])[true, false])
        {
            var thief = new Line();
            _ = world.Host.ServeAsync(thief.Host, CancellationToken.None);
            await (hello! with { Secret = new byte[32], GoesOn = goesOn }).WriteAsync(thief.Client, Ct);
            await Assert.ThrowsAsync<StreamRefusedException>(() => StreamAnswer.ReadAsync(thief.Client, Ct));
        }
        await stream.WriteAsync("still mine"u8.ToArray(), Ct);
        await stream.ReadExactlyAsync(new byte[10], Ct);
    }

    [Fact]
    public async Task AStreamOfAnotherHostIsNotKnown()
    {
        var line = new Line();
        _ = new World(World.EchoAsync).Host.ServeAsync(line.Host, CancellationToken.None);
        await (StreamHello.New(default, 1000) with { Received = 5, GoesOn = true }).WriteAsync(line.Client, Ct);
        var refused = await Assert.ThrowsAsync<StreamRefusedException>(() => StreamAnswer.ReadAsync(line.Client, Ct));
        Assert.Contains("does not go on", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHostHoldsSoManyStreamsAndNoMore()
    {
        var options = Timed with { MaximumStreams = 2 };
        var world = new World(World.EchoAsync, options: options);
        await using var one = await world.OpenAsync();
        await using (await world.OpenAsync())
        {
            var refused = await Assert.ThrowsAsync<StreamRefusedException>(world.OpenAsync);
            Assert.Equal("The session has 2 connections, which is the most: close some.", refused.Message);
        }
        await Eventually.TrueAsync(() => world.Host.Count == 1, "one was closed");
        await using var third = await world.OpenAsync();
    }

    [Theory]
    [InlineData(new byte[] { 2, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0 })] // Acknowledges what was not sent.
    [InlineData(new byte[] { 1, 0x7f, 0xff, 0xff, 0xff })] // A frame of 2 GiB.
    [InlineData(new byte[] { 9, 0, 0, 0, 0 })] // No such type.
    public async Task APeerThatBreaksTheProtocolEndsItsStream(byte[] frames)
    {
        var served = new TaskCompletionSource<Exception?>();
        var host = new World(async (stream, _) => served.SetResult(await Record.ExceptionAsync(async () => await stream.ReadExactlyAsync(new byte[1], Ct)))).Host;
        var line = new Line();
        _ = host.ServeAsync(line.Host, CancellationToken.None);
        await StreamHello.New("r"u8.ToArray(), 1000).WriteAsync(line.Client, Ct);
        await StreamAnswer.ReadAsync(line.Client, Ct);
        await line.Client.WriteAsync(frames, Ct);
        Assert.IsType<StreamLostException>(await served.Task.WaitAsync(Ct));
    }

    [Fact]
    public async Task MoreThanTheWindowIsRefused()
    {
        var served = new TaskCompletionSource<Exception?>();
        var ask = new TaskCompletionSource();
        var host = new World(
            async (stream, _) =>
            {
                await ask.Task;
                await stream.Ended;
                served.SetResult(await Record.ExceptionAsync(async () => await stream.ReadExactlyAsync(new byte[1], Ct)));
            },
            options: new ResumableOptions { Window = 1000 }).Host;
        var line = new Line();
        _ = host.ServeAsync(line.Host, CancellationToken.None);
        await StreamHello.New("r"u8.ToArray(), 1000).WriteAsync(line.Client, Ct);
        await StreamAnswer.ReadAsync(line.Client, Ct);
        ask.SetResult();
        await line.Client.WriteAsync(new byte[] { 1, 0, 0, 8, 0 }.Concat(new byte[2048]).ToArray(), Ct);
        Assert.IsType<StreamLostException>(await served.Task.WaitAsync(Ct));
    }

    private static Task<Stream> Connected(ResumableHost host)
    {
        var line = new Line();
        _ = host.ServeAsync(line.Host, CancellationToken.None);
        return Task.FromResult<Stream>(line.Client);
    }

    // Reads the first words, as a relay does, and passes everything on.
    private static async Task RelayAsync(DuplexStream client, ResumableHost host, Action<StreamHello> tell)
    {
        var line = new Line();
        _ = host.ServeAsync(line.Host, CancellationToken.None);
        var hello = await StreamHello.ReadAsync(client, CancellationToken.None);
        tell(hello);
        await hello.WriteAsync(line.Client, CancellationToken.None);
        await Splice.RunAsync(client, line.Client, CancellationToken.None);
    }
}
