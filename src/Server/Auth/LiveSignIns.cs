using System.Collections.Concurrent;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Auth;

/// <summary>
/// The sign-ins that are good, in memory: what sessions' origins check at each request, without the database. Complete
/// from the moment the server listens.
/// </summary>
public sealed class LiveSignIns(Db db, TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, (string UserId, long ExpiresAt)> _good = new(StringComparer.Ordinal);

    /// <summary>A sign-in was ended before its time: whatever it holds open has to be cut.</summary>
    public event Action<string>? Ended;

    /// <summary>Whether a sign-in is good.</summary>
    public bool IsGood(string id) => _good.TryGetValue(id, out var known) && known.ExpiresAt > clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Reads what an earlier server has signed in.</summary>
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
    public void Add(string id, string userId, long expiresAt) => _good[id] = (userId, expiresAt);

    /// <summary>A browser was signed out.</summary>
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
}
