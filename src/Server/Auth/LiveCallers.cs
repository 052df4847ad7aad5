using System.Collections.Concurrent;

namespace Berth.Server.Auth;

/// <summary>
/// Cuts streams of the API (changes, logs) when the sign-in or token that opened them ends, by its time or before. One token of cancellation for
/// each proof of identity that has ever opened one.
/// </summary>
public sealed class LiveCallers
{
    private readonly ConcurrentDictionary<(string ProofId, string UserId), CancellationTokenSource> _held = new();

    /// <summary>
    /// Cancelled when the caller's proof ends. Take it before asking whether the proof is good: then a revocation in between
    /// is seen by one or the other.
    /// </summary>
    public CancellationToken Token(Caller caller) => caller.ProofId is { } proof
        ? _held.GetOrAdd((proof, caller.UserId), static _ => new CancellationTokenSource()).Token
        : CancellationToken.None;

    /// <summary>Cuts what one sign-in or token has open.</summary>
    public void Cut(string proofId) => CutWhere(held => held.ProofId == proofId);

    /// <summary>Cuts what a user has open.</summary>
    public void CutUser(string userId) => CutWhere(held => held.UserId == userId);

    /// <summary>The proofs that have something open, or had.</summary>
    public IReadOnlyCollection<string> Proofs => [.. _held.Keys.Select(held => held.ProofId)];

    private void CutWhere(Predicate<(string ProofId, string UserId)> chosen)
    {
        foreach (var (held, source) in _held)
        {
            // Left to the collector, as in LiveConnections: streams may still read it.
            if (chosen(held) && _held.TryRemove(new(held, source)))
                _ = source.CancelAsync();
        }
    }
}
