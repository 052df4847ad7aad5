using Berth.Tunnel.Polling;

namespace Berth.Tunnel.Tests.Polling;

/// <summary>What wakes who waits for a socket: nobody sleeps through it, and nobody is woken twice for it.</summary>
public sealed class GateTests
{
    private readonly Gate _gate = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenedOnceItLetsOneThroughAndOpenedOftenToo(bool atOnce)
    {
        _gate.Open();
        _gate.Open();
        await _gate.WaitAsync(atOnce, Ct);
        var next = _gate.WaitAsync(atOnce, Ct);
        Assert.False(next.IsCompleted);
        _gate.Open();
        await next;
    }

    [Fact]
    public async Task WhoWaitsGoesOnWhereItIsOpenedIfHeAskedForThat()
    {
        foreach (var atOnce in new[] { true, false })
        {
            var thread = AfterAsync(atOnce);
            var opening = new Thread(_gate.Open);
            opening.Start();
            opening.Join();
            Assert.Equal(atOnce, await thread == opening.ManagedThreadId);
        }

        async Task<int> AfterAsync(bool atOnce)
        {
            await _gate.WaitAsync(atOnce, Ct);
            return Environment.CurrentManagedThreadId;
        }
    }

    [Fact]
    public async Task WhoGivesUpLeavesItToTheNext()
    {
        using var over = new CancellationTokenSource();
        var waiting = _gate.WaitAsync(false, over.Token);
        await over.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await waiting);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await _gate.WaitAsync(true, over.Token));
        _gate.Open();
        await _gate.WaitAsync(false, Ct);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task NoOpeningIsLostHoweverThreadsMeet(bool atOnce)
    {
        const int Rounds = 200_000;
        var (said, heard, gaveUp) = (0, 0, 0);
        var saying = Task.Run(() =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                Interlocked.Increment(ref said);
                _gate.Open();
                // It waits for its answer at times, so that both have to sleep.
                if (i % 64 == 0)
                    SpinWait.SpinUntil(() => Volatile.Read(ref heard) == Volatile.Read(ref said));
            }
        }, Ct);
        var hearing = Task.Run(async () =>
        {
            using var never = new CancellationTokenSource();
            while (heard < Rounds)
            {
                using var soon = new CancellationTokenSource();
                if (heard % 7 == 0)
                    soon.CancelAfter(TimeSpan.FromTicks(heard % 100));
                try
                {
                    await _gate.WaitAsync(atOnce, heard % 7 == 0 ? soon.Token : never.Token);
                }
                catch (OperationCanceledException)
                {
                    gaveUp++;
                }
                Volatile.Write(ref heard, Volatile.Read(ref said));
            }
        }, Ct);
        await Task.WhenAll(saying, hearing).WaitAsync(TimeSpan.FromMinutes(1), Ct);
        Assert.Equal(Rounds, heard);
    }
}
