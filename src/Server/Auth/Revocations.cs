using System.Data.Common;
using System.Globalization;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Auth;

/// <summary>What has changed about who may come in.</summary>
public enum RevocationKind
{
    /// <summary>A sign-in or an API token has ended.</summary>
    Proof,
    /// <summary>A user's rights are others: look again.</summary>
    Rights,
    /// <summary>All sign-ins of a user have ended; their tokens are looked at again.</summary>
    User,
}

/// <param name="Kind">What.</param>
/// <param name="Id">Of the sign-in, the token or the user.</param>
public sealed record Revocation(RevocationKind Kind, string Id);

/// <summary>
/// Where a sign-in or token ends, by its time or before: it is forgotten and what it has open is cut, here and on every other
/// server of this database. Whoever revokes says so in the transaction (<see cref="TellAsync"/>), and when that is
/// committed does here what the others do when they hear it (<see cref="Apply"/>).
/// </summary>
public sealed class Revocations
{
    private const string SignedIn = "signed-in";
    private readonly CallerCache _cache;
    private readonly LiveSignIns _signIns;
    private readonly LiveCallers _callers;
    private readonly Expiries _expiries;
    private readonly ReplicaChannel _channel;
    private readonly Db _db;
    private readonly TimeProvider _clock;

    public Revocations(CallerCache cache, LiveSignIns signIns, LiveCallers callers, Expiries expiries, ReplicaChannel channel, Db db, TimeProvider clock)
    {
        (_cache, _signIns, _callers, _expiries, _channel, _db, _clock) = (cache, signIns, callers, expiries, channel, db, clock);
        channel.Heard += Hear;
        channel.Hearing += CatchUpAsync;
        // Each server knows the moment by itself.
        expiries.Expired += id => Apply(new Revocation(RevocationKind.Proof, id));
    }

    /// <summary>Here or on another server of the database, this was revoked.</summary>
    public event Action<Revocation>? Applied;

    /// <summary>Tells the other servers, when the transaction commits.</summary>
    public Task TellAsync(DbConnection connection, Revocation what)
    {
        ArgumentNullException.ThrowIfNull(what);
        return _channel.TellAsync(connection, $"{what.Kind} {what.Id}");
    }

    /// <summary>Tells the other servers of a browser that was signed in, when the transaction commits.</summary>
    public Task TellSignInAsync(DbConnection connection, string id, string userId, long expiresAt) =>
        _channel.TellAsync(connection, string.Create(CultureInfo.InvariantCulture, $"{SignedIn} {id} {userId} {expiresAt}"));

    /// <summary>Forgets first and cuts then: who opens something meanwhile is caught by one or the other.</summary>
    public void Apply(Revocation what)
    {
        ArgumentNullException.ThrowIfNull(what);
        switch (what.Kind)
        {
            case RevocationKind.Proof:
                _expiries.Forget(what.Id);
                _cache.Forget(what.Id);
                _signIns.End(what.Id);
                _callers.Cut(what.Id);
                break;
            case RevocationKind.Rights:
                _cache.ForgetUser(what.Id);
                break;
            case RevocationKind.User:
                _cache.ForgetUser(what.Id);
                _signIns.EndUser(what.Id);
                _callers.CutUser(what.Id);
                break;
        }

        Applied?.Invoke(what);
    }

    private void Hear(string words)
    {
        switch (words.Split(' '))
        {
            case [SignedIn, var id, var userId, var expires] when long.TryParse(expires, NumberStyles.None, CultureInfo.InvariantCulture, out var at):
                _signIns.Add(id, userId, at);
                break;
            case [var kind, var id] when Enum.TryParse<RevocationKind>(kind, out var known):
                Apply(new Revocation(known, id));
                break;
        }
    }

    /// <summary>What was said while nothing could be heard: what is not good any more is cut.</summary>
    private async Task CatchUpAsync(CancellationToken ct)
    {
        _cache.Clear();
        var before = _signIns.Ids;
        var held = _callers.Proofs;
        await _signIns.LoadAsync(ct);
        await using var connection = await _db.OpenAsync(ct);
        var good = (await connection.QueryAsync<string>(
            """
            SELECT s.id FROM sign_ins s JOIN users u ON u.id = s.user_id WHERE u.disabled = @no AND s.expires_at > @now
            UNION SELECT t.id FROM api_tokens t JOIN users u ON u.id = t.user_id WHERE u.disabled = @no AND t.expires_at > @now
            """, new { no = false, now = _clock.GetUtcNow().ToUnixTimeMilliseconds() })).ToHashSet(StringComparer.Ordinal);
        foreach (var id in before.Concat(held).Where(id => !good.Contains(id)))
            Apply(new Revocation(RevocationKind.Proof, id));
    }
}
