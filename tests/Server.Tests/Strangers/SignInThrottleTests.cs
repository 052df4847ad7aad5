using System.Net;
using Berth.Fakes;
using Berth.Server.Auth;

namespace Berth.Server.Tests.Strangers;

public sealed class SignInThrottleTests
{
    private static readonly IPAddress Home = IPAddress.Parse("192.0.2.1");
    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly SignInThrottle _throttle;

    public SignInThrottleTests() => _throttle = new SignInThrottle(_clock);

    [Fact]
    public void FiveWrongOnesFromAnAddressHaveToBeWaitedFor()
    {
        Assert.Equal(5, TriesLeft(new SignInPlace(Home), "alice"));
        Assert.Equal(TimeSpan.FromMinutes(15), _throttle.Delay(new SignInPlace(Home), "alice"));
        Assert.Null(_throttle.Delay(new SignInPlace(Home), "bob"));
        _clock.Advance(TimeSpan.FromMinutes(15));
        Assert.Null(_throttle.Delay(new SignInPlace(Home), "alice"));
    }

    [Fact]
    public void WhoGuessesElsewhereKeepsNobodyOut()
    {
        for (var i = 0; i < 1000; i++)
            TriesLeft(new SignInPlace(IPAddress.Parse($"198.51.{i / 250}.{i % 250}")), "alice");
        Assert.Equal(10, TriesLeft(new SignInPlace(IPAddress.Parse("198.51.0.1"), "a browser that she knows"), "alice"));
        Assert.Equal(1, TriesLeft(new SignInPlace(Home), "alice"));
    }

    [Fact]
    public void WhoHasManyAddressesGetsOneTryFromEach()
    {
        var tries = Enumerable.Range(0, 200).Sum(i => TriesLeft(new SignInPlace(IPAddress.Parse($"198.51.100.{i}")), "alice"));
        Assert.Equal(30 + 200 - 6, tries);
    }

    [Fact]
    public void ManyUsersFromOneAddressAreGuessesToo() =>
        Assert.Equal(30, Enumerable.Range(0, 100).Sum(i => TriesLeft(new SignInPlace(Home), $"user{i}")));

    [Fact]
    public void SigningInAsOneselfMakesNoRoomForGuesses()
    {
        var tries = 0;
        for (var i = 0; i < 100; i++)
        {
            tries += TriesLeft(new SignInPlace(Home), $"user{i}", most: 1);
            if (_throttle.Delay(new SignInPlace(Home), "mallory") is not null)
                continue;
            _throttle.Count(new SignInPlace(Home), "mallory");
            _throttle.Forget(new SignInPlace(Home), "mallory");
        }

        Assert.Equal(30, tries);
    }

    [Fact]
    public void AnIPv6AddressCountsAsItsNetwork()
    {
        Assert.Equal(5, Enumerable.Range(1, 20).Sum(i => TriesLeft(new SignInPlace(IPAddress.Parse($"2001:db8::{i:x}")), "alice")));
        Assert.Equal(5, TriesLeft(new SignInPlace(IPAddress.Parse("2001:db8:0:1::1")), "alice"));
        Assert.Equal(5, TriesLeft(new SignInPlace(IPAddress.Parse("::ffff:203.0.113.7")), "bob"));
        Assert.Equal(0, TriesLeft(new SignInPlace(IPAddress.Parse("203.0.113.7")), "bob"));
    }

    [Fact]
    public void LongNamesFillNoMemory()
    {
        // All of them are one: there is no such user.
        Assert.Equal(5, TriesLeft(new SignInPlace(Home), new string('a', 100)));
        Assert.Equal(0, TriesLeft(new SignInPlace(Home), new string('b', 100_000)));
    }

    /// <summary>Guesses wrong until it has to wait.</summary>
    private int TriesLeft(SignInPlace place, string username, int most = 100)
    {
        var tries = 0;
        for (; tries < most && _throttle.Delay(place, username) is null; tries++)
            _throttle.Count(place, username);
        return tries;
    }
}
