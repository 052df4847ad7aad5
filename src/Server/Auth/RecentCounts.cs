using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Berth.Server.Auth;

/// <summary>How often something happened of late: counts that begin anew a quarter of an hour after their first.</summary>
internal sealed class RecentCounts(TimeProvider clock)
{
    private const int MostKeys = 50_000;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);
    private readonly ConcurrentDictionary<string, (int Count, DateTimeOffset Ends)> _counts = new(StringComparer.Ordinal);

    public (int Count, TimeSpan Left) Find(string key)
    {
        var now = clock.GetUtcNow();
        return _counts.TryGetValue(key, out var seen) && seen.Ends > now ? (seen.Count, seen.Ends - now) : (0, TimeSpan.Zero);
    }

    public void Add(string key)
    {
        var now = clock.GetUtcNow();
        if (_counts.Count >= MostKeys)
            MakeRoom(now);
        _counts.AddOrUpdate(key, (1, now + Window), (_, seen) => seen.Ends > now ? (seen.Count + 1, seen.Ends) : (1, now + Window));
    }

    /// <summary>One less: what was counted was not what is looked for.</summary>
    public void TakeBack(string key)
    {
        if (_counts.TryGetValue(key, out var seen) && seen.Count > 0)
            _counts.TryUpdate(key, (seen.Count - 1, seen.Ends), seen);
    }

    public void Remove(string key) => _counts.TryRemove(key, out _);

    /// <summary>Whom an address stands for: who has an IPv6 address has as many as they like of its /64.</summary>
    public static string Place(IPAddress? address)
    {
        if (address is null)
            return "local";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, 8))
            : address.ToString();
    }

    private void MakeRoom(DateTimeOffset now)
    {
        foreach (var (key, seen) in _counts)
        {
            if (seen.Ends <= now)
                _counts.TryRemove(key, out _);
        }

        // Each address fills a bounded number of keys: to get here takes thousands of them at once. Memory comes first.
        if (_counts.Count >= MostKeys)
            _counts.Clear();
    }
}
