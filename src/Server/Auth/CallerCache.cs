using System.Collections.Concurrent;
using Berth.Server.Storage;

namespace Berth.Server.Auth;

/// <summary>A proof of identity as the database has it.</summary>
/// <param name="Id">Of the sign-in or token.</param>
/// <param name="Caller">Whose it is.</param>
/// <param name="ExpiresAt">When it stops working, UTC milliseconds.</param>
/// <param name="RenewedAt">When its use was last written down, UTC milliseconds.</param>
internal sealed record Proof(string Id, Caller Caller, long ExpiresAt, long RenewedAt);

/// <summary>
/// Remembers proofs for a minute, so that not every request asks the database. What is revoked, here or on another server
/// of the database, is forgotten at once (<see cref="Revocations"/>); while others cannot be heard, nothing is remembered.
/// </summary>
public sealed class CallerCache(ReplicaChannel channel, TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<string, (Proof Proof, long FreshUntil)> _proofs = new(StringComparer.Ordinal);

    // Counts revocations: what was read before one must not be remembered after it.
    private long _epoch;

    internal long Epoch => Interlocked.Read(ref _epoch);

    internal Proof? Find(string hash)
    {
        if (!channel.IsHearing)
            return null;
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        if (!_proofs.TryGetValue(hash, out var known))
            return null;
        if (known.FreshUntil > now && known.Proof.ExpiresAt > now)
            return known.Proof;
        _proofs.TryRemove(hash, out _);
        return null;
    }

    /// <summary>Remembers what was read when the epoch was <paramref name="epoch"/>.</summary>
    internal void Remember(string hash, Proof proof, long epoch)
    {
        if (_proofs.Count >= Most)
            _proofs.Clear();
        _proofs[hash] = (proof, (clock.GetUtcNow() + Lifetime).ToUnixTimeMilliseconds());
        if (Epoch != epoch)
            _proofs.TryRemove(hash, out _);
    }

    /// <summary>Forgets a sign-in or token by its id.</summary>
    public void Forget(string id) => ForgetWhere(p => p.Id == id);

    /// <summary>Forgets all of a user: their rights have changed.</summary>
    public void ForgetUser(string userId) => ForgetWhere(p => p.Caller.UserId == userId);

    /// <summary>Forgets all.</summary>
    public void Clear() => ForgetWhere(_ => true);

    private void ForgetWhere(Predicate<Proof> match)
    {
        Interlocked.Increment(ref _epoch);
        foreach (var (hash, known) in _proofs)
        {
            if (match(known.Proof))
                _proofs.TryRemove(hash, out _);
        }
    }
}
