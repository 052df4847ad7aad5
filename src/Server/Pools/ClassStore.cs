using System.Text.Json;
using Berth.Contracts.Pools;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Storage;

namespace Berth.Server.Pools;

/// <summary>The classes and the quota of a pool, one at a time.</summary>
public sealed class ClassStore(Db db, PoolStore pools)
{
    public async Task<ClassView> AddAsync(Caller caller, int poolId, ClassRequest request, CancellationToken ct)
    {
        if (request.Id is not null)
            throw Check.Invalid("id", "must not be given for a new class: the server chooses it");
        var id = await db.WriteAsync(async connection =>
        {
            var pool = await PoolStore.FindRowAsync(connection, poolId) ?? throw PoolStore.NoPool(poolId);
            var one = PoolRules.Checked(request, pool.QuotaOrNull, "");
            var others = await PoolStore.ClassesAsync(connection, poolId);
            RequireFreeName(one, others, 0);
            if (one.Default && others.Exists(c => c.IsDefault))
                throw Check.Invalid("default", "must be false: the pool has a default class, and has exactly one. Change both by a PATCH of the pool");
            return await PoolStore.InsertClassAsync(connection, poolId, one);
        }, ct);
        pools.Publish(poolId);
        return await pools.FindClassAsync(caller, id, poolId, ct);
    }

    /// <summary>PUT.</summary>
    public Task<ClassView> ReplaceAsync(Caller caller, int poolId, int classId, ClassRequest request, CancellationToken ct) =>
        ChangeAsync(caller, poolId, classId, _ => request, ct);

    /// <summary>PATCH.</summary>
    public Task<ClassView> EditAsync(Caller caller, int poolId, int classId, JsonElement patch, CancellationToken ct) =>
        ChangeAsync(caller, poolId, classId, row => MergePatch.Apply(row.Request(), patch), ct);

    public async Task DeleteAsync(int poolId, int classId, CancellationToken ct)
    {
        await db.WriteAsync(async connection =>
        {
            var row = (await PoolStore.ClassesAsync(connection, poolId)).Find(c => c.Id == classId);
            if (row is null)
                return;
            if (row.IsDefault)
                throw new ProblemException(ProblemCode.Conflict, $"Class '{row.Name}' is the pool's default: make another class the default first, by a PATCH of the pool.");
            await PoolStore.RequireNoSessionsAsync(connection, "class_id", classId, $"Class '{row.Name}'");
            await PoolStore.ForgetClassesAsync(connection, [classId]);
        }, ct);
        pools.Publish(poolId);
    }

    private async Task<ClassView> ChangeAsync(Caller caller, int poolId, int classId, Func<ClassRow, ClassRequest> change, CancellationToken ct)
    {
        await db.WriteAsync(async connection =>
        {
            var pool = await PoolStore.FindRowAsync(connection, poolId) ?? throw PoolStore.NoPool(poolId);
            var all = await PoolStore.ClassesAsync(connection, poolId);
            var row = all.Find(c => c.Id == classId) ?? throw PoolStore.NoClass(classId);
            var one = PoolRules.Checked(change(row), pool.QuotaOrNull, "");
            if ((one.Id ?? classId) != classId)
                throw Check.Invalid("id", "cannot be changed");
            if (one.Default != row.IsDefault)
                throw Check.Invalid("default", "cannot be changed here: the pool has exactly one default class. Change both by a PATCH of the pool");
            RequireFreeName(one, all, classId);
            await PoolStore.UpdateClassAsync(connection, ClassRow.From(classId, poolId, one));
        }, ct);
        pools.Publish(poolId);
        return await pools.FindClassAsync(caller, classId, poolId, ct);
    }

    private static void RequireFreeName(ClassRequest one, List<ClassRow> all, int id)
    {
        if (all.Exists(c => c.Id != id && string.Equals(c.Name, one.Name, StringComparison.OrdinalIgnoreCase)))
            throw new ProblemException(ProblemCode.Conflict, $"The pool has a class '{one.Name}' already.", "name");
    }
}
