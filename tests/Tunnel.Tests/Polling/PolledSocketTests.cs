using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Berth.Tunnel.Polling;

namespace Berth.Tunnel.Tests.Polling;

/// <summary>A socket of the kernel's that the poller wakes, with one of .NET's own at the other end.</summary>
[Collection(AlonePoller.Name)]
public sealed class PolledSocketTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-polled-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task WhatIsWrittenComesWholeAndInOrderBothWaysAtOnce(bool unix, bool atOnce)
    {
        var (here, there) = await PairAsync(unix);
        await using var _ = here;
        using var stream = new NetworkStream(there, ownsSocket: true);
        here.GoesOnAtOnce = atOnce;
        var (up, down) = (RandomNumberGenerator.GetBytes(24 << 20), RandomNumberGenerator.GetBytes(24 << 20));
        var results = await Task.WhenAll(WriteAsync(here, up), WriteAsync(stream, down), ReadAsync(here, down.Length), ReadAsync(stream, up.Length)).WaitAsync(TimeSpan.FromMinutes(1), Ct);
        Assert.Equal([Hash(up), Hash(down), Hash(down), Hash(up)], results);

        static async Task<string> WriteAsync(Stream to, byte[] bytes)
        {
            for (var at = 0; at < bytes.Length;)
            {
                var count = Math.Min(Random.Shared.Next(1, 300_000), bytes.Length - at);
                await to.WriteAsync(bytes.AsMemory(at, count), Ct);
                at += count;
            }
            return Hash(bytes);
        }

        static async Task<string> ReadAsync(Stream from, int length)
        {
            var bytes = new byte[length];
            for (var at = 0; at < length;)
            {
                var count = await from.ReadAsync(bytes.AsMemory(at, Math.Min(Random.Shared.Next(1, 200_000), length - at)), Ct);
                Assert.NotEqual(0, count);
                at += count;
            }
            return Hash(bytes);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OneDirectionEndsAndTheOtherGoesOn(bool unix)
    {
        var (here, there) = await PairAsync(unix);
        await using var _ = here;
        using var end = there;
        await there.SendAsync("last words"u8.ToArray(), Ct);
        there.Shutdown(SocketShutdown.Send);
        var buffer = new byte[100];
        Assert.Equal(10, await here.ReadAsync(buffer, Ct));
        Assert.Equal(0, await here.ReadAsync(buffer, Ct));
        Assert.Equal(0, await here.ReadAsync(buffer, Ct));
        await here.WriteAsync("an answer"u8.ToArray(), Ct);
        await here.CompleteWritesAsync(Ct);
        Assert.Equal(9, await there.ReceiveAsync(buffer, Ct));
        Assert.Equal(0, await there.ReceiveAsync(buffer, Ct));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnEndWakesWhoWaitsForBytes(bool unix)
    {
        var (here, there) = await PairAsync(unix);
        await using var _ = here;
        var buffer = new byte[100];
        await there.SendAsync("x"u8.ToArray(), Ct);
        // A short read: the next one waits without a try.
        Assert.Equal(1, await here.ReadAsync(buffer, Ct));
        var reading = here.ReadAsync(buffer, Ct);
        there.Dispose();
        Assert.Equal(0, await reading.AsTask().WaitAsync(TimeSpan.FromSeconds(20), Ct));
    }

    [Fact]
    public async Task AnAbortIsAResetAtTheOtherEndBothWays()
    {
        var (here, there) = await PairAsync(unix: false);
        using var end = there;
        here.Abort();
        Assert.Equal(SocketError.ConnectionReset, (await Assert.ThrowsAsync<SocketException>(async () => await there.ReceiveAsync(new byte[1], Ct))).SocketErrorCode);

        var (other, far) = await PairAsync(unix: false);
        await using var _ = other;
        var reading = other.ReadAsync(new byte[1], Ct);
        far.LingerState = new LingerOption(true, 0);
        far.Dispose();
        var reset = await Assert.ThrowsAsync<IOException>(async () => await reading);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(reset.InnerException).SocketErrorCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatIsDisposedLeavesNobodyWaiting(bool atOnce)
    {
        var (here, there) = await PairAsync(unix: true);
        using var end = there;
        here.GoesOnAtOnce = atOnce;
        var reading = ReadAsync();
        var writing = FillAsync();
        here.Dispose();
        here.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => reading.WaitAsync(TimeSpan.FromSeconds(20), Ct));
        await Assert.ThrowsAnyAsync<Exception>(() => writing.WaitAsync(TimeSpan.FromSeconds(20), Ct));
        Assert.False(reading.IsCompletedSuccessfully || writing.IsCompletedSuccessfully);

        async Task<int> ReadAsync() => await here.ReadAsync(new byte[10], Ct);

        // Nobody reads it.
        async Task FillAsync() => await here.WriteAsync(new byte[16 << 20], Ct);
    }

    [Fact]
    public async Task WhoOnlyReadsNoMoreIsWrittenToWithoutBusyWaiting()
    {
        var (here, there) = await PairAsync(unix: false);
        await using var _ = here;
        using var end = there;
        there.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await here.ReadAsync(new byte[1], Ct));
        using var over = new CancellationTokenSource();
        var writing = FillAsync();
        // Others are told what is theirs, and nobody else is told anything meanwhile.
        var (other, far) = await PairAsync(unix: true);
        await using var _1 = other;
        using var farEnd = far;
        var (before, buffer) = (Poller.Shared.Told, new byte[1]);
        for (var i = 0; i < 5000; i++)
        {
            var reading = other.ReadAsync(buffer, Ct);
            await far.SendAsync(new byte[1], Ct);
            Assert.Equal(1, await reading);
        }
        Assert.InRange(Poller.Shared.Told - before, 0, 5500);
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);

        async Task FillAsync() => await here.WriteAsync(new byte[64 << 20], over.Token);
    }

    [Fact]
    public async Task WhatComesBehindAnUrgentByteIsRead()
    {
        var (here, there) = await PairAsync(unix: false);
        await using var _ = here;
        using var end = there;
        here.GoesOnAtOnce = true;
        var heard = HearAsync(4);
        // All of it comes before the poller tells of any.
        using (await HeldAsync())
        {
            await there.SendAsync("ab"u8.ToArray(), Ct);
            await there.SendAsync("!"u8.ToArray(), SocketFlags.OutOfBand, Ct);
            await there.SendAsync("cd"u8.ToArray(), Ct);
        }
        Assert.Equal("abcd", await heard.WaitAsync(TimeSpan.FromSeconds(20), Ct));

        async Task<string> HearAsync(int length)
        {
            var all = new byte[length];
            for (var count = 0; count < length;)
                count += await here.ReadAsync(all.AsMemory(count), Ct);
            return System.Text.Encoding.ASCII.GetString(all);
        }
    }

    [Fact]
    public async Task TwoWhoReadAtATimeAreToldApart()
    {
        var (here, there) = await PairAsync(unix: true);
        await using var _ = here;
        using var end = there;
        var first = here.ReadAsync(new byte[1], Ct);
        await Assert.ThrowsAsync<IOException>(() => here.ReadAsync(new byte[1], Ct).AsTask());
        await there.SendAsync("x"u8.ToArray(), Ct);
        Assert.Equal(1, await first);
    }

    [Fact]
    public async Task AConnectionThatIsLongInComingIsWaitedFor()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        // The kernel has room for one that is not accepted yet; the next one's begin is dropped until there is.
        var waiting = new List<Task<PolledSocket>>();
        for (var i = 0; i < 4; i++)
            waiting.Add(PolledSocket.ConnectAsync(listener.LocalEndPoint!, Ct));
        Assert.Contains(waiting, connecting => !connecting.IsCompleted);
        foreach (var connecting in waiting)
        {
            using var there = await listener.AcceptAsync(Ct);
            await using var here = await connecting;
        }
    }

    [Fact]
    public async Task AReadThatIsGivenUpLosesNothing()
    {
        var (here, there) = await PairAsync(unix: true);
        await using var _ = here;
        using var end = there;
        using var over = new CancellationTokenSource();
        var buffer = new byte[10];
        var reading = here.ReadAsync(buffer, over.Token);
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
        await there.SendAsync("kept"u8.ToArray(), Ct);
        Assert.Equal(4, await here.ReadAsync(buffer, Ct));
    }

    [Fact]
    public async Task AReadOfNothingWaitsForSomethingAndTakesNothing()
    {
        var (here, there) = await PairAsync(unix: true);
        await using var _ = here;
        using var end = there;
        var reading = here.ReadAsync(Memory<byte>.Empty, Ct);
        Assert.False(reading.IsCompleted);
        await there.SendAsync("ab"u8.ToArray(), Ct);
        Assert.Equal(0, await reading);
        Assert.Equal(2, await here.ReadAsync(new byte[10], Ct));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task WhoWaitsWithoutABufferIsToldHowMuchIsThere(bool unix, bool atOnce)
    {
        var (here, there) = await PairAsync(unix);
        await using var _ = here;
        here.GoesOnAtOnce = atOnce;
        for (var size = 1; size < 3; size++)
        {
            var waiting = here.ReadableAsync(Ct);
            Assert.False(waiting.IsCompleted);
            await there.SendAsync(new byte[size], Ct);
            Assert.Equal(size, await waiting);
            Assert.Equal(size, await here.ReadableAsync(Ct));
            Assert.Equal(size, await here.ReadAsync(new byte[1000], Ct));
        }
        var end = here.ReadableAsync(Ct);
        there.Dispose();
        Assert.Equal(0, await end);
        Assert.Equal(0, await here.ReadableAsync(Ct));
        Assert.Equal(0, await here.ReadAsync(new byte[1000], Ct));
    }

    [Fact]
    public async Task AResetWakesWhoWaitsWithoutABufferAndTheReadTellsOfIt()
    {
        var (here, there) = await PairAsync(unix: false);
        await using var _ = here;
        var waiting = here.ReadableAsync(Ct);
        there.LingerState = new LingerOption(true, 0);
        there.Dispose();
        Assert.Equal(0, await waiting);
        await Assert.ThrowsAsync<IOException>(() => here.ReadAsync(new byte[10], Ct).AsTask());
    }

    [Fact]
    public async Task WhoReadsLittleAtATimeGetsAllInOrder()
    {
        var (here, there) = await PairAsync(unix: true);
        await using var _ = here;
        here.GoesOnAtOnce = true;
        var (bytes, heard) = (RandomNumberGenerator.GetBytes(1 << 20), new byte[1 << 20]);
        var sending = SendAsync();
        for (var at = 0; at < bytes.Length;)
        {
            // Around what is little and what is read ahead.
            var count = await here.ReadAsync(heard.AsMemory(at, Math.Min(Random.Shared.Next(0, 300), bytes.Length - at)), Ct);
            at += count;
        }
        Assert.Equal(Hash(bytes), Hash(heard));
        Assert.Equal(0, await here.ReadAsync(new byte[1], Ct));
        Assert.Equal(0, await here.ReadAsync(Memory<byte>.Empty, Ct));
        await sending;

        async Task SendAsync()
        {
            using var end = there;
            for (var at = 0; at < bytes.Length;)
            {
                var count = Math.Min(Random.Shared.Next(1, 5000), bytes.Length - at);
                at += await there.SendAsync(bytes.AsMemory(at, count), Ct);
                if (count % 7 == 0)
                    await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task WhatIsGivenBackIsReadFirst()
    {
        var (here, there) = await PairAsync(unix: true);
        await using var _ = here;
        using var end = there;
        await there.SendAsync("later"u8.ToArray(), Ct);
        here.GiveBack("abc"u8.ToArray());
        var buffer = new byte[10];
        Assert.Equal((2, 1, 5), (await here.ReadAsync(buffer.AsMemory(0, 2), Ct), await here.ReadAsync(buffer, Ct), await here.ReadAsync(buffer, Ct)));
    }

    [Fact]
    public async Task OnlyWhoAsksForItGoesOnOnThePollersThread()
    {
        var (here, there) = await PairAsync(unix: true);
        await using var _ = here;
        using var end = there;
        foreach (var atOnce in new[] { true, false })
        {
            here.GoesOnAtOnce = atOnce;
            var reading = ThreadAfterReadAsync();
            await there.SendAsync("x"u8.ToArray(), Ct);
            Assert.Equal(atOnce, await reading == "poller");
        }

        async Task<string?> ThreadAfterReadAsync()
        {
            Assert.Equal(1, await here.ReadAsync(new byte[10], Ct));
            return Thread.CurrentThread.Name;
        }
    }

    [Fact]
    public async Task WhereNobodyListensItIsRefused()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // and does not listen
        var refused = await Assert.ThrowsAsync<SocketException>(() => PolledSocket.ConnectAsync(listener.LocalEndPoint!, Ct));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
    }

    /// <summary>Keeps the poller's thread until it is disposed.</summary>
    private async Task<IDisposable> HeldAsync()
    {
        var (here, there) = await PairAsync(unix: true);
        var (held, release) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new Release());
        here.GoesOnAtOnce = true;
        _ = HoldAsync();
        await there.SendAsync(new byte[1], Ct);
        await held.Task;
        return release;

        async Task HoldAsync()
        {
            await using var _ = here;
            using var end = there;
            Assert.Equal(1, await here.ReadAsync(new byte[1], Ct));
            held.SetResult();
            release.Wait();
        }
    }

    private sealed class Release : IDisposable
    {
        private readonly SemaphoreSlim _released = new(0);

        public void Wait() => _released.Wait(Ct);
        public void Dispose() => _released.Release();
    }

    private static string Hash(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    private async Task<(PolledSocket Here, Socket There)> PairAsync(bool unix)
    {
        using var listener = unix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(unix ? new UnixDomainSocketEndPoint(Path.Combine(_folder.FullName, Path.GetRandomFileName())) : new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var here = await PolledSocket.ConnectAsync(listener.LocalEndPoint!, Ct);
        return (here, await listener.AcceptAsync(Ct));
    }
}

/// <summary>The poller is everybody's: whoever counts what it tells, or holds it up, must have it to himself.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AlonePoller
{
    public const string Name = "alone on the poller";
}
