using System.Collections.Concurrent;
using System.Net;
using Berth.Contracts.Problems;
using Berth.Server.Problems;

namespace Berth.Server.Auth;

/// <summary>
/// Slows the guessing of tokens: after thirty wrong ones from an address within a quarter of an hour, only tokens that were
/// looked up before are looked up for it. So nobody loses a token that works to a neighbour who guesses, and who shows the
/// same wrong one again and again guesses nothing: a machine that was removed, a script whose token has expired.
/// </summary>
public sealed class TokenGuesses(TimeProvider clock)
{
    private const int Most = 30;
    private const int MostRemembered = 10_000;
    private readonly RecentCounts _counts = new(clock);
    private readonly ConcurrentDictionary<string, byte> _right = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _wrong = new(StringComparer.Ordinal);

    /// <summary>Before a token is looked up.</summary>
    /// <exception cref="ProblemException">Too many wrong ones came from there of late.</exception>
    public void Check(IPAddress? address, string hash)
    {
        if (address is null || _counts.Find(RecentCounts.Place(address)) is not { Count: >= Most } seen || _right.ContainsKey(hash) || _wrong.ContainsKey(hash))
            return;
        throw new ProblemException(ProblemCode.TooManyRequests, $"Too many wrong tokens came from your address. Try again in {Math.Ceiling(seen.Left.TotalMinutes):0} min.")
        {
            RetryAfter = seen.Left,
        };
    }

    public void Right(string hash)
    {
        _wrong.TryRemove(hash, out _);
        Remember(_right, hash);
    }

    public void Wrong(IPAddress? address, string hash)
    {
        _right.TryRemove(hash, out _);
        if (Remember(_wrong, hash) && address is not null)
            _counts.Add(RecentCounts.Place(address));
    }

    /// <returns>False: it was already.</returns>
    private static bool Remember(ConcurrentDictionary<string, byte> hashes, string hash)
    {
        if (hashes.Count >= MostRemembered)
            hashes.Clear();
        return hashes.TryAdd(hash, 0);
    }
}
