using System.Collections.Concurrent;

namespace Berth.Server.Auth;

/// <summary>
/// Slows the guessing of passwords: five wrong ones for a user from one address, or thirty from one address, or thirty for
/// one user, within a quarter of an hour; then it is the end of that quarter that has to be waited for.
/// </summary>
public sealed class SignInThrottle(TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);
    private const int MostKeys = 50_000;

    private readonly ConcurrentDictionary<string, (int Count, DateTimeOffset Ends)> _counts = new(StringComparer.Ordinal);

    /// <summary>How long to wait before the next try; null: not at all.</summary>
    public TimeSpan? Delay(string? address, string username)
    {
        var now = clock.GetUtcNow();
        TimeSpan? longest = null;
        foreach (var (key, most) in Keys(address, username))
        {
            if (_counts.TryGetValue(key, out var seen) && seen.Ends > now && seen.Count >= most && (longest is null || seen.Ends - now > longest))
                longest = seen.Ends - now;
        }

        return longest;
    }

    /// <summary>One more try.</summary>
    public void Count(string? address, string username)
    {
        var now = clock.GetUtcNow();
        if (_counts.Count > MostKeys)
        {
            foreach (var (key, seen) in _counts)
            {
                if (seen.Ends <= now)
                    _counts.TryRemove(key, out _);
            }
        }

        foreach (var (key, _) in Keys(address, username))
            _counts.AddOrUpdate(key, (1, now + Window), (_, seen) => seen.Ends > now ? (seen.Count + 1, seen.Ends) : (1, now + Window));
    }

    /// <summary>The last try was right.</summary>
    public void Forget(string? address, string username)
    {
        foreach (var (key, _) in Keys(address, username))
            _counts.TryRemove(key, out _);
    }

    private static (string Key, int Most)[] Keys(string? address, string username) =>
        [($"both {address} {username}", 5), ($"address {address}", 30), ($"user {username}", 30)];
}
