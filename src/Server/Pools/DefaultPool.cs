using Berth.Contracts.Pools;
using Berth.Server.Options;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Pools;

/// <summary>The pool that every installation begins with: this machine, in three sizes. An admin may change it like any other.</summary>
public sealed class DefaultPool(Db db, ServerOptions options)
{
    private const int DefaultDisk = 10;

    public Task EnsureAsync(CancellationToken ct)
    {
        var pool = PoolRules.Checked(For(Environment.ProcessorCount, MemoryOfMachine(), FreeDisk(options.DataFolder)));
        return db.WriteAsync(async connection =>
        {
            // Ids are never given out twice: where one was, there has been a pool, and an admin may have deleted it.
            if (await connection.ExecuteScalarAsync<long>("SELECT value FROM counters WHERE name = 'resource_pools'") == 0)
                await PoolStore.InsertAsync(connection, pool);
        }, ct);
    }

    /// <summary>Sizes that fit the machine: all of its cores at most, and memory left for the machine itself.</summary>
    internal static PoolRequest For(int cores, int memoryGb, int freeDiskGb)
    {
        var most = Math.Max(1, memoryGb * 3 / 4);
        var small = Math.Min(most, Math.Max(2, memoryGb / 8));
        var medium = Math.Min(most, Math.Max(small, memoryGb / 4));
        var disk = Math.Clamp(freeDiskGb / 2, DefaultDisk, 1000);
        return new PoolRequest(
            "This machine",
            [
                new ClassRequest("small", Math.Max(1, cores / 4), small, 0, disk, DefaultDisk, Default: true),
                new ClassRequest("medium", Math.Max(1, cores / 2), medium, 0, disk, DefaultDisk),
                new ClassRequest("large", Math.Max(1, cores), most, 0, disk, DefaultDisk),
            ],
            Default: true, Public: true);
    }

    private static int MemoryOfMachine() => (int)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1_000_000_000);

    private static int FreeDisk(string folder)
    {
        try
        {
            return (int)Math.Min(int.MaxValue, new DriveInfo(folder).AvailableFreeSpace / 1_000_000_000);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
