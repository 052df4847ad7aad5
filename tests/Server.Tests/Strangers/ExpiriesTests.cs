using Berth.Fakes;
using Berth.Server.Auth;

namespace Berth.Server.Tests.Strangers;

public sealed class ExpiriesTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly ManualClock _clock = new(Start);
    private readonly List<string> _rang = [];

    [Fact]
    public void RingsForEachAtItsMomentAndOnce()
    {
        using var expiries = Make();
        expiries.Watch("late", In(TimeSpan.FromDays(366)));
        expiries.Watch("soon", In(TimeSpan.FromMinutes(1)));
        expiries.Watch("soon", In(TimeSpan.FromMinutes(1)));
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Empty(_rang);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["soon"], _rang);
        _clock.Advance(TimeSpan.FromDays(366) - TimeSpan.FromMinutes(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(["soon"], _rang);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["soon", "late"], _rang);
    }

    [Fact]
    public void AMomentThatWasMovedOnOrForgottenDoesNotRing()
    {
        using var expiries = Make();
        expiries.Watch("renewed", In(TimeSpan.FromMinutes(1)));
        expiries.Watch("renewed", In(TimeSpan.FromMinutes(3)));
        expiries.Watch("ended", In(TimeSpan.FromMinutes(1)));
        expiries.Forget("ended");
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(_rang);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["renewed"], _rang);
    }

    [Fact]
    public void WhatHasExpiredAlreadyRingsAtOnce()
    {
        using var expiries = Make();
        expiries.Watch("gone", In(TimeSpan.FromMinutes(-1)));
        _clock.Advance(TimeSpan.Zero);
        Assert.Equal(["gone"], _rang);
    }

    private Expiries Make()
    {
        var expiries = new Expiries(_clock);
        expiries.Expired += _rang.Add;
        return expiries;
    }

    private static long In(TimeSpan time) => (Start + time).ToUnixTimeMilliseconds();
}
