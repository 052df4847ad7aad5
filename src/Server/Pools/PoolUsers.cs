using Berth.Contracts.Pools;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Berth.Server.Users;
using Dapper;

namespace Berth.Server.Pools;

/// <summary>Who may use a pool that is not public.</summary>
public sealed class PoolUsers(Db db, PoolStore pools)
{
    private const int MostAtOnce = 1000;

    public async Task<List<PoolUser>> ListAsync(int poolId, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        if (await PoolStore.FindRowAsync(connection, poolId) is null)
            throw PoolStore.NoPool(poolId);
        var rows = await connection.QueryAsync<(string Id, string Username)>(
            "SELECT u.id, u.username FROM pool_users p JOIN users u ON u.id = p.user_id WHERE p.pool_id = @poolId ORDER BY u.id", new { poolId });
        return [.. rows.Select(r => new PoolUser(r.Id, r.Username))];
    }

    /// <summary>One of a pool's users.</summary>
    public async Task<PoolUser> FindAsync(int poolId, string user, CancellationToken ct) =>
        (await ListAsync(poolId, ct)).Find(u => u.Id == user || u.Username == user)
        ?? throw new ProblemException(Contracts.Problems.ProblemCode.NotFound, $"'{user}' is no user of resource pool {poolId}.");

    /// <summary>POST adds users; PUT (<paramref name="replace"/>) makes these the only ones.</summary>
    public async Task<List<PoolUser>> SetAsync(int poolId, IReadOnlyList<PoolUser> users, bool replace, CancellationToken ct)
    {
        Check.Count(users, MostAtOnce, "users");
        await db.WriteAsync(async connection =>
        {
            if (await PoolStore.FindRowAsync(connection, poolId) is null)
                throw PoolStore.NoPool(poolId);
            if (replace)
                await connection.ExecuteAsync("DELETE FROM pool_users WHERE pool_id = @poolId", new { poolId });
            for (var i = 0; i < users.Count; i++)
            {
                var userId = users[i] is { } user ? await UserStore.IdOfAsync(connection, user.Id) : null;
                if (userId is null)
                    throw Check.Invalid($"[{i}].id", $"must be the id or name of a user; there is no '{users[i]?.Id}'");
                await connection.ExecuteAsync("DELETE FROM pool_users WHERE pool_id = @poolId AND user_id = @userId", new { poolId, userId });
                await connection.ExecuteAsync("INSERT INTO pool_users (pool_id, user_id) VALUES (@poolId, @userId)", new { poolId, userId });
            }
        }, ct);
        pools.Publish(poolId);
        return await ListAsync(poolId, ct);
    }

    public async Task RemoveAsync(int poolId, string user, CancellationToken ct)
    {
        await db.WriteAsync(async connection =>
        {
            var userId = await UserStore.IdOfAsync(connection, user);
            await connection.ExecuteAsync("DELETE FROM pool_users WHERE pool_id = @poolId AND user_id = @userId", new { poolId, userId });
        }, ct);
        pools.Publish(poolId);
    }
}
