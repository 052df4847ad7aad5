using System.Collections.Concurrent;
using System.Data.Common;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Auth;

/// <summary>
/// The sign-ins that are good, in memory: what sessions' origins check at each request, without the database. Complete
/// from the moment the server listens, and kept so by what other servers of the database say; while they cannot be heard,
/// the database is asked.
/// </summary>
public sealed class LiveSignIns(Db db, ReplicaChannel channel, Expiries expiries, TimeProvider clock)
{
    // A database that is away for a moment ends nobody's work: nobody can be signed out without it either.
    private static readonly TimeSpan Trusted = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<string, (string UserId, long ExpiresAt)> _good = new(StringComparer.Ordinal);

    /// <summary>A sign-in has ended: whatever it holds open has to be cut.</summary>
    public event Action<string>? Ended;

    /// <summary>Those that are known.</summary>
    public IReadOnlyCollection<string> Ids => [.. _good.Keys];

    /// <summary>Whether a sign-in is good.</summary>
    public ValueTask<bool> IsGoodAsync(string id, CancellationToken ct) => channel.IsHearing ? new(IsKnown(id)) : new(AskAsync(id, ct));

    /// <summary>Reads what an earlier server, or another one, has signed in.</summary>
    public async Task LoadAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var rows = await connection.QueryAsync<(string Id, string UserId, long ExpiresAt)>(
            "SELECT s.id, s.user_id, s.expires_at FROM sign_ins s JOIN users u ON u.id = s.user_id WHERE u.disabled = @no AND s.expires_at > @now",
            new { no = false, now = clock.GetUtcNow().ToUnixTimeMilliseconds() });
        foreach (var (id, userId, expiresAt) in rows)
            Add(id, userId, expiresAt);
    }

    /// <summary>A browser was signed in, or its sign-in renewed.</summary>
    public void Add(string id, string userId, long expiresAt)
    {
        _good[id] = (userId, expiresAt);
        expiries.Watch(id, expiresAt);
    }

    /// <summary>A browser was signed out, or has not come for too long.</summary>
    public void End(string id)
    {
        if (_good.TryRemove(id, out _))
            Ended?.Invoke(id);
    }

    /// <summary>All browsers of a user are signed out.</summary>
    public void EndUser(string userId)
    {
        foreach (var (id, known) in _good)
        {
            if (known.UserId == userId)
                End(id);
        }
    }

    private bool IsKnown(string id) => _good.TryGetValue(id, out var known) && known.ExpiresAt > clock.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task<bool> AskAsync(string id, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        try
        {
            await using var connection = await db.OpenAsync(limit.Token);
            var (userId, expiresAt) = await connection.QuerySingleOrDefaultAsync<(string?, long)>(new CommandDefinition(
                """
                SELECT s.user_id, s.expires_at FROM sign_ins s JOIN users u ON u.id = s.user_id
                WHERE s.id = @id AND u.disabled = @no AND s.expires_at > @now
                """, new { id, no = false, now = clock.GetUtcNow().ToUnixTimeMilliseconds() }, cancellationToken: limit.Token));
            if (userId is null)
                End(id);
            else
                Add(id, userId, expiresAt);
            return userId is not null;
        }
        catch (Exception e) when (e is DbException or TimeoutException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return channel.DeafFor < Trusted && IsKnown(id);
        }
    }
}
