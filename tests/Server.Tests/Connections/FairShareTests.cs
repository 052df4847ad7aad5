using Berth.Fakes;
using Berth.Server.Connections;

namespace Berth.Server.Tests.Connections;

/// <summary>Who of a session's streams goes next.</summary>
public sealed class FairShareTests : IDisposable
{
    private const int PerSecond = 100_000;
    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly FairShare _share;

    public FairShareTests()
    {
        _share = new FairShare(PerSecond, _clock);
        // What was kept is used up, so that all have to wait.
        Assert.True(_share.NewLane().PassAsync(PerSecond, default).AsTask().IsCompletedSuccessfully);
    }

    public void Dispose() => _share.Dispose();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AKeyDoesNotWaitBehindWhatOthersCopy()
    {
        var copies = Enumerable.Range(0, 8).Select(_ => new Copy(_share, _share.Slice)).ToList();
        await MoveAsync(copies, TimeSpan.FromSeconds(2));
        var keys = _share.NewLane();
        for (var i = 0; i < 20; i++)
        {
            var key = keys.PassAsync(10, CancellationToken.None).AsTask();
            await MoveAsync(copies, TimeSpan.FromSeconds(2.0 * _share.Slice / PerSecond));
            Assert.True(key.IsCompletedSuccessfully, $"key {i}");
        }
    }

    [Fact]
    public async Task EachHasAsMuchAsTheOthersWhateverItSaysAtOnce()
    {
        var copies = new[] { new Copy(_share, _share.Slice), new Copy(_share, _share.Slice / 4), new Copy(_share, _share.Slice) };
        await MoveAsync(copies, TimeSpan.FromSeconds(3));
        Assert.All(copies, copy => Assert.InRange(copy.Passed, PerSecond - (3 * _share.Slice), PerSecond + (3 * _share.Slice)));
    }

    [Fact]
    public async Task WhoWasSilentHasNoMoreThanTheOthersAfterwards()
    {
        var (first, later) = (new Copy(_share, _share.Slice), new Copy(_share, _share.Slice));
        await MoveAsync([first], TimeSpan.FromSeconds(2));
        var before = first.Passed;
        await MoveAsync([first, later], TimeSpan.FromSeconds(2));
        Assert.InRange(first.Passed - before, PerSecond - (3 * _share.Slice), PerSecond + (3 * _share.Slice));
        Assert.InRange(later.Passed, PerSecond - (3 * _share.Slice), PerSecond + (3 * _share.Slice));
    }

    [Fact]
    public async Task WhoeverWaitsWhenItIsOverGoesOn()
    {
        var waiting = _share.NewLane().PassAsync(10, Ct).AsTask();
        Assert.False(waiting.IsCompleted);
        _share.Dispose();
        await waiting.WaitAsync(TimeSpan.FromSeconds(10), Ct);
        Assert.True(_share.NewLane().PassAsync(PerSecond, Ct).AsTask().IsCompletedSuccessfully);
    }

    // Millisecond by millisecond; who has passed asks again before time moves on.
    private async Task MoveAsync(IReadOnlyList<Copy> copies, TimeSpan time)
    {
        for (var end = _clock.GetUtcNow() + time; _clock.GetUtcNow() < end;)
        {
            foreach (var copy in copies)
                await copy.GoOnAsync();
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }
    }

    /// <summary>A stream that always has more to say.</summary>
    private sealed class Copy(FairShare share, int size)
    {
        private readonly FairShare.Lane _lane = share.NewLane();
        private Task? _waiting;

        public long Passed { get; private set; }

        public async Task GoOnAsync()
        {
            while (_waiting is null or { IsCompleted: true })
            {
                if (_waiting is not null)
                {
                    await _waiting;
                    Passed += size;
                }
                _waiting = _lane.PassAsync(size, CancellationToken.None).AsTask();
            }
        }
    }
}
