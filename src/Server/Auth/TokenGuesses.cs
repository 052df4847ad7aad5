using System.Collections.Concurrent;
using System.Net;
using Berth.Contracts.Problems;
using Berth.Server.Problems;

namespace Berth.Server.Auth;

/// <summary>
/// Slows the guessing of API tokens: after thirty wrong ones from an address within a quarter of an hour, only tokens that
/// have been right before are looked up for it. So nobody loses a token that works to a neighbour who guesses.
/// </summary>
public sealed class TokenGuesses(TimeProvider clock)
{
    private const int Most = 30;
    private const int MostRemembered = 10_000;
    private readonly RecentCounts _wrong = new(clock);
    private readonly ConcurrentDictionary<string, byte> _right = new(StringComparer.Ordinal);

    /// <summary>Before a token is looked up.</summary>
    /// <exception cref="ProblemException">Too many wrong ones came from there of late.</exception>
    public void Check(IPAddress? address, string hash)
    {
        if (address is null || _wrong.Find(RecentCounts.Place(address)) is not { Count: >= Most } seen || _right.ContainsKey(hash))
            return;
        throw new ProblemException(ProblemCode.TooManyRequests, $"Too many wrong tokens came from your address. Try again in {Math.Ceiling(seen.Left.TotalMinutes):0} min.")
        {
            RetryAfter = seen.Left,
        };
    }

    public void Right(string hash)
    {
        if (_right.Count >= MostRemembered)
            _right.Clear();
        _right.TryAdd(hash, 0);
    }

    public void Wrong(IPAddress? address, string hash)
    {
        _right.TryRemove(hash, out _);
        if (address is not null)
            _wrong.Add(RecentCounts.Place(address));
    }
}
