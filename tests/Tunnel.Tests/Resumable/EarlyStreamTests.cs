using System.Buffers.Binary;
using System.Text;
using Berth.Tunnel.Resumable;
using Berth.Tunnel.Tests.House;

namespace Berth.Tunnel.Tests.Resumable;

/// <summary>Streams that say something before the host has answered.</summary>
public sealed class EarlyStreamTests
{
    private static CancellationToken Ct => World.Ct;

    [Fact]
    public async Task WhatIsWrittenGoesBehindTheRequestAndNoFurtherThanAnyHostTakes()
    {
        var (line, later) = (new Line(), false);
        var (stream, accepted) = ResumableClient.OpenEarly(_ => later ? throw new IOException("One is enough.") : Task.FromResult<Stream>(line.Client), "r"u8.ToArray(), new());
        await using var closing = stream;
        var writing = stream.WriteAsync(new byte[2 * ResumableWire.EarlyWindow], Ct).AsTask();

        var hello = await StreamHello.ReadAsync(line.Host, Ct);
        Assert.Equal((0, false), (hello.Received, hello.GoesOn));
        var came = 0;
        while (came < ResumableWire.EarlyWindow)
            came += await DataAsync(line.Host);
        Assert.Equal(ResumableWire.EarlyWindow, came);
        Assert.False(accepted.IsCompleted);
        Assert.False(writing.IsCompleted);

        later = true;
        await new StreamAnswer(0, 4 * ResumableWire.EarlyWindow).WriteAsync(line.Host, Ct);
        await accepted.WaitAsync(Ct);
        while (came < 2 * ResumableWire.EarlyWindow)
            came += await DataAsync(line.Host);
        await writing.WaitAsync(Ct);
    }

    [Fact]
    public async Task ARefusalIsHeardByWhoReadsAndByWhoWaitsForTheHostsWord()
    {
        const string Why = "Nothing listens on port 3000 of the session.";
        // Not before the write has ended: that would hear of the refusal, too.
        var written = new TaskCompletionSource();
        var host = new ResumableHost(
            async (_, ct) =>
            {
                await written.Task.WaitAsync(ct);
                throw new StreamRefusedException(Why);
            },
            new());
        var (stream, accepted) = ResumableClient.OpenEarly(
            ct =>
            {
                var line = new Line();
                _ = Task.Run(() => host.ServeAsync(line.Host, Ct), Ct);
                return Task.FromResult<Stream>(line.Client);
            },
            "r"u8.ToArray(), new());
        await stream.WriteAsync("hello"u8.ToArray(), Ct);
        written.SetResult();

        var lost = await Assert.ThrowsAsync<StreamLostException>(async () => await stream.ReadExactlyAsync(new byte[1], Ct));
        Assert.Equal(Why, lost.Message);
        Assert.Equal(Why, (await Assert.ThrowsAsync<StreamRefusedException>(() => accepted.WaitAsync(Ct))).Message);
        Assert.Equal(0, host.Count);
    }

    [Fact]
    public async Task AfterALineThatDiedWithTheAnswerTheHostSaysFirstHowMuchItHas()
    {
        // The first words of 66 bytes, the request and a frame pass; the answer does not.
        var world = new World(
            World.EchoAsync,
            attempt => new Line(attempt == 0 ? 66 + 7 + ResumableWire.HeaderLength + 5 : long.MaxValue),
            new ResumableOptions { LastRetry = TimeSpan.FromMilliseconds(1) });
        var (stream, accepted) = world.OpenEarly();
        await using var _ = stream;
        await stream.WriteAsync("hello"u8.ToArray(), Ct);
        await stream.CompleteWritesAsync(Ct);

        Assert.Equal("hello", Encoding.UTF8.GetString(await World.ReadAllAsync(stream)));
        await accepted.WaitAsync(Ct);
        Assert.Equal(2, world.Attempts);
    }

    [Fact]
    public async Task AHostThatHasBytesOfAStreamThatIsNewIsNotBelieved()
    {
        var line = new Line();
        var (stream, _) = ResumableClient.OpenEarly(_ => Task.FromResult<Stream>(line.Client), "r"u8.ToArray(), new());
        await StreamHello.ReadAsync(line.Host, Ct);
        await new StreamAnswer(5, ResumableWire.EarlyWindow).WriteAsync(line.Host, Ct);
        await Assert.ThrowsAsync<StreamLostException>(async () => await stream.ReadExactlyAsync(new byte[1], Ct));
    }

    private static async Task<int> DataAsync(Stream carrier)
    {
        var header = new byte[ResumableWire.HeaderLength];
        await carrier.ReadExactlyAsync(header, Ct);
        Assert.Equal((byte)FrameType.Data, header[0]);
        var length = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(1));
        await carrier.ReadExactlyAsync(new byte[length], Ct);
        return length;
    }
}
