using System.Data.Common;
using System.Text.Json;
using Berth.Contracts.Pools;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Server.Auth;
using Berth.Server.Live;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Pools;

/// <summary>Resource pools with their classes and quota. Users see those that they may use; admins keep them all.</summary>
public sealed class PoolStore(Db db, ChangeFeed feed)
{
    /// <summary>Every pool that a caller may use: <c>Permissions.MayUsePool</c>, in SQL.</summary>
    private const string Usable =
        """
        SELECT p.* FROM resource_pools p
        WHERE (p.is_public = true OR @IsAdmin = true OR EXISTS (SELECT 1 FROM pool_users u WHERE u.pool_id = p.id AND u.user_id = @UserId))
        """;

    public async Task<List<PoolView>> ListAsync(Caller caller, ClassFilter? filter, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var pools = (await connection.QueryAsync<PoolRow>($"{Usable} ORDER BY p.id", new { caller.UserId, caller.IsAdmin })).AsList();
        var classes = (await connection.QueryAsync<ClassRow>("SELECT * FROM resource_classes ORDER BY id")).ToLookup(c => c.PoolId);
        return [.. pools.Select(p => p.View(classes[p.Id].Select(c => c.View(filter))))];
    }

    public async Task<PoolView> FindAsync(Caller caller, int id, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var row = await RequireAsync(connection, caller, id);
        return row.View((await ClassesAsync(connection, id)).Select(c => c.View()));
    }

    public async Task<ClassView> FindClassAsync(Caller caller, int classId, int? poolId, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var row = await FindClassAsync(connection, caller, classId);
        return row is not null && (poolId is null || poolId == row.PoolId) ? row.View() : throw NoClass(classId);
    }

    /// <summary>A class of a pool that the caller may use; null: there is none.</summary>
    public static Task<ClassRow?> FindClassAsync(DbConnection connection, Caller caller, int classId)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return connection.QuerySingleOrDefaultAsync<ClassRow?>(
            $"SELECT c.* FROM resource_classes c JOIN ({Usable}) usable ON usable.id = c.pool_id WHERE c.id = @classId",
            new { caller.UserId, caller.IsAdmin, classId });
    }

    public async Task<PoolView> CreateAsync(Caller caller, PoolRequest request, CancellationToken ct)
    {
        var pool = PoolRules.Checked(request);
        if (pool.Classes.Select((c, i) => (c, i)).FirstOrDefault(x => x.c.Id is not null) is { c: not null } known)
            throw Check.Invalid($"classes[{known.i}].id", "must not be given for a new class: the server chooses it");
        var id = await db.WriteAsync(connection => InsertAsync(connection, pool), ct);
        Publish(id);
        return await FindAsync(caller, id, ct);
    }

    /// <summary>PUT: the pool becomes this; classes that are not named are deleted.</summary>
    public Task<PoolView> ReplaceAsync(Caller caller, int id, PoolRequest request, CancellationToken ct) =>
        ChangeAsync(caller, id, (_, _) => request, ct);

    /// <summary>PATCH: fields that are given change; of the classes those with an id change, those without are added.</summary>
    public Task<PoolView> EditAsync(Caller caller, int id, JsonElement patch, CancellationToken ct) =>
        ChangeAsync(caller, id, (row, classes) => PoolPatch.Apply(row.Request(classes), patch), ct);

    public async Task DeleteAsync(int id, CancellationToken ct)
    {
        var deleted = await db.WriteAsync(async connection =>
        {
            if (await FindRowAsync(connection, id) is not { } row)
                return false;
            if (row.IsDefault)
                throw new ProblemException(ProblemCode.Conflict, $"Pool '{row.Name}' is the default: make another pool the default first.");
            await RequireNoSessionsAsync(connection, "pool_id", id, $"Pool '{row.Name}'");
            await ForgetClassesAsync(connection, (await ClassesAsync(connection, id)).Select(c => c.Id));
            await connection.ExecuteAsync("DELETE FROM resource_pools WHERE id = @id", new { id });
            return true;
        }, ct);
        if (deleted)
            Publish(id, gone: true);
    }

    /// <summary>Makes a checked pool. Returns its id.</summary>
    internal static async Task<int> InsertAsync(DbConnection connection, PoolRequest pool)
    {
        await RequireFreeAsync(connection, pool, 0);
        var id = await NextIdAsync(connection, "resource_pools");
        await connection.ExecuteAsync(
            """
            INSERT INTO resource_pools (id, name, is_default, is_public, platform, quota, idle_threshold, hibernation_threshold,
                hibernation_warning_period, idle_cpu_threshold, reach, cluster_id, remote,
                age_threshold, starting_threshold, failed_threshold, retention_threshold, kind, queues)
            VALUES (@Id, @Name, @IsDefault, @IsPublic, @Platform, @Quota, @IdleThreshold, @HibernationThreshold,
                @HibernationWarningPeriod, @IdleCpuThreshold, @Reach, @ClusterId, @Remote,
                @AgeThreshold, @StartingThreshold, @FailedThreshold, @RetentionThreshold, @Kind, @Queues)
            """, PoolRow.From(id, pool));
        foreach (var one in pool.Classes)
            await InsertClassAsync(connection, id, one);
        return id;
    }

    private async Task<PoolView> ChangeAsync(Caller caller, int id, Func<PoolRow, List<ClassRow>, PoolRequest> change, CancellationToken ct)
    {
        await db.WriteAsync(async connection =>
        {
            var row = await FindRowAsync(connection, id) ?? throw NoPool(id);
            var before = await ClassesAsync(connection, id);
            var pool = PoolRules.Checked(change(row, before));
            await RequireFreeAsync(connection, pool, id);
            await connection.ExecuteAsync(
                """
                UPDATE resource_pools SET name = @Name, is_default = @IsDefault, is_public = @IsPublic, platform = @Platform, quota = @Quota,
                    idle_threshold = @IdleThreshold, hibernation_threshold = @HibernationThreshold,
                    hibernation_warning_period = @HibernationWarningPeriod, idle_cpu_threshold = @IdleCpuThreshold, reach = @Reach,
                    cluster_id = @ClusterId, remote = @Remote, age_threshold = @AgeThreshold, starting_threshold = @StartingThreshold,
                    failed_threshold = @FailedThreshold, retention_threshold = @RetentionThreshold, kind = @Kind, queues = @Queues
                WHERE id = @Id
                """, PoolRow.From(id, pool));
            await SaveClassesAsync(connection, id, before, pool.Classes);
        }, ct);
        Publish(id);
        return await FindAsync(caller, id, ct);
    }

    private static async Task SaveClassesAsync(DbConnection connection, int poolId, List<ClassRow> before, IReadOnlyList<ClassRequest> wanted)
    {
        for (var i = 0; i < wanted.Count; i++)
        {
            if (wanted[i].Id is { } known && before.TrueForAll(c => c.Id != known))
                throw Check.Invalid($"classes[{i}].id", $"must be the id of a class of this pool; there is no {known}");
            if (wanted[i].Id is { } twice && wanted.Count(c => c.Id == twice) > 1)
                throw Check.Invalid($"classes[{i}].id", $"is there more than once: {twice}");
        }

        var gone = before.Where(c => wanted.All(w => w.Id != c.Id)).ToList();
        foreach (var one in gone)
            await RequireNoSessionsAsync(connection, "class_id", one.Id, $"Class '{one.Name}'");
        await ForgetClassesAsync(connection, gone.Select(c => c.Id));
        foreach (var one in wanted)
        {
            if (one.Id is { } id)
                await UpdateClassAsync(connection, ClassRow.From(id, poolId, one));
            else
                await InsertClassAsync(connection, poolId, one);
        }
    }

    internal static async Task<int> InsertClassAsync(DbConnection connection, int poolId, ClassRequest one)
    {
        var id = await NextIdAsync(connection, "resource_classes");
        await connection.ExecuteAsync(
            """
            INSERT INTO resource_classes (id, pool_id, name, cpu, memory, gpu, max_storage, default_storage, is_default, tolerations, node_affinities)
            VALUES (@Id, @PoolId, @Name, @Cpu, @Memory, @Gpu, @MaxStorage, @DefaultStorage, @IsDefault, @Tolerations, @NodeAffinities)
            """, ClassRow.From(id, poolId, one));
        return id;
    }

    internal static Task UpdateClassAsync(DbConnection connection, ClassRow row) =>
        connection.ExecuteAsync(
            """
            UPDATE resource_classes SET name = @Name, cpu = @Cpu, memory = @Memory, gpu = @Gpu, max_storage = @MaxStorage,
                default_storage = @DefaultStorage, is_default = @IsDefault, tolerations = @Tolerations, node_affinities = @NodeAffinities
            WHERE id = @Id
            """, row);

    /// <summary>Deletes classes; launchers that had chosen one have none then.</summary>
    internal static async Task ForgetClassesAsync(DbConnection connection, IEnumerable<int> ids)
    {
        foreach (var id in ids)
        {
            await connection.ExecuteAsync("UPDATE session_launchers SET resource_class_id = NULL WHERE resource_class_id = @id", new { id });
            await connection.ExecuteAsync("DELETE FROM resource_classes WHERE id = @id", new { id });
        }
    }

    internal static async Task RequireNoSessionsAsync(DbConnection connection, string column, int id, string what)
    {
        var sessions = await connection.ExecuteScalarAsync<int>($"SELECT count(*) FROM sessions WHERE {column} = @id AND status <> 'ended'", new { id });
        if (sessions > 0)
            throw new ProblemException(ProblemCode.Conflict, $"{what} has {sessions} session{(sessions == 1 ? "" : "s")} that {(sessions == 1 ? "has" : "have")} not ended: stop {(sessions == 1 ? "it" : "them")} first.");
    }

    internal static async Task<PoolRow> RequireAsync(DbConnection connection, Caller caller, int id) =>
        await connection.QuerySingleOrDefaultAsync<PoolRow?>($"{Usable} AND p.id = @id", new { caller.UserId, caller.IsAdmin, id }) ?? throw NoPool(id);

    internal static Task<PoolRow?> FindRowAsync(DbConnection connection, int id) =>
        connection.QuerySingleOrDefaultAsync<PoolRow?>("SELECT * FROM resource_pools WHERE id = @id", new { id });

    internal static async Task<List<ClassRow>> ClassesAsync(DbConnection connection, int poolId) =>
        (await connection.QueryAsync<ClassRow>("SELECT * FROM resource_classes WHERE pool_id = @poolId ORDER BY id", new { poolId })).AsList();

    internal static ProblemException NoPool(int id) => new(ProblemCode.NotFound, $"There is no resource pool {id}. List them: `berth pool list`.");

    internal static ProblemException NoClass(int id) => new(ProblemCode.NotFound, $"There is no resource class {id}. List them: `berth class list`.");

    internal void Publish(int poolId, bool gone = false) => feed.Publish(new Change("pool", $"{poolId}", gone), null);

    private static async Task RequireFreeAsync(DbConnection connection, PoolRequest pool, int id)
    {
        if (await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM resource_pools WHERE name = @Name AND id <> @id", new { pool.Name, id }) > 0)
            throw new ProblemException(ProblemCode.Conflict, $"There is already a pool '{pool.Name}'.", "name");
        if (pool.Default && await connection.QuerySingleOrDefaultAsync<string?>(
            "SELECT name FROM resource_pools WHERE is_default = true AND id <> @id", new { id }) is { } other)
            throw new ProblemException(ProblemCode.Conflict, $"Pool '{other}' is the default: change that first.", "default");
    }

    private static async Task<int> NextIdAsync(DbConnection connection, string counter)
    {
        await connection.ExecuteAsync("UPDATE counters SET value = value + 1 WHERE name = @counter", new { counter });
        return await connection.ExecuteScalarAsync<int>("SELECT value FROM counters WHERE name = @counter", new { counter });
    }
}
