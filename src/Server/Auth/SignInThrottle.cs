using System.Net;
using Berth.Server.Users;

namespace Berth.Server.Auth;

/// <summary>From where a password is tried.</summary>
/// <param name="Address">Of the peer; null: this machine's socket.</param>
/// <param name="KnownAs">What proves that this user was here before: the browser's mark, or a sign-in. Null: nothing does.</param>
public sealed record SignInPlace(IPAddress? Address, string? KnownAs = null);

/// <summary>
/// Slows the guessing of passwords, and keeps nobody out whose password somebody else guesses. Within a quarter of an hour
/// there are: ten wrong ones for a browser in which this user has signed in before, whatever happens elsewhere; for others
/// five for a user from an address, and thirty from an address. Who guesses from many addresses gets one from each, once
/// thirty have gone wrong for a user: never none, for one of them may be the user's.
/// </summary>
public sealed class SignInThrottle(TimeProvider clock)
{
    private const int MostOfKnown = 10;
    private const int MostOfPair = 5;
    private const int MostOfPairWhenGuessed = 1;
    private const int MostOfAddress = 30;
    private const int ManyForUser = 30;

    private readonly RecentCounts _counts = new(clock);

    /// <summary>How long to wait before the next try; null: not at all.</summary>
    public TimeSpan? Delay(SignInPlace place, string username)
    {
        ArgumentNullException.ThrowIfNull(place);
        var keys = Keys.Of(place, username);
        if (keys.Known is not null)
            return Over(keys.Known, MostOfKnown);
        var guessed = _counts.Find(keys.User).Count >= ManyForUser;
        var (pair, address) = (Over(keys.Pair, guessed ? MostOfPairWhenGuessed : MostOfPair), Over(keys.Address, MostOfAddress));
        return pair is null || address > pair ? address : pair;
    }

    /// <summary>One more try.</summary>
    public void Count(SignInPlace place, string username)
    {
        var keys = Keys.Of(place, username);
        foreach (var key in keys.All)
            _counts.Add(key);
    }

    /// <summary>
    /// The last try was right. What else was tried from the address, or for the user, stays counted: nobody makes room for
    /// guesses by signing in as themselves in between.
    /// </summary>
    public void Forget(SignInPlace place, string username)
    {
        var keys = Keys.Of(place, username);
        if (keys.Known is not null)
        {
            _counts.Remove(keys.Known);
            return;
        }

        _counts.Remove(keys.Pair);
        _counts.TakeBack(keys.Address);
        _counts.TakeBack(keys.User);
    }

    private TimeSpan? Over(string key, int most) => _counts.Find(key) is var (count, left) && count >= most ? left : null;

    private sealed record Keys(string? Known, string Pair, string Address, string User)
    {
        public IEnumerable<string> All => Known is null ? [Pair, Address, User] : [Known];

        public static Keys Of(SignInPlace place, string username)
        {
            // There is no user of a longer name; nobody fills memory with names.
            var user = username.Length <= NewUser.LongestName ? username : "";
            var address = RecentCounts.Place(place.Address);
            return new Keys(place.KnownAs is null ? null : $"known {user} {place.KnownAs}", $"pair {address} {user}", $"address {address}", $"user {user}");
        }
    }
}
