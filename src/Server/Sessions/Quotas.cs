using System.Data.Common;
using System.Runtime.InteropServices;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Users;
using Berth.Core.Agents;
using Berth.Core.Sessions;
using Berth.Server.Problems;
using Berth.Server.Users;
using Dapper;

namespace Berth.Server.Sessions;

/// <summary>What a start or a resume is about to hold.</summary>
/// <param name="SessionId">Not counted among those that hold already; null: a new one.</param>
/// <param name="UserId">Whose.</param>
/// <param name="PoolId">Where.</param>
/// <param name="Resources">How much.</param>
public sealed record Claim(string? SessionId, string UserId, int PoolId, SessionResources Resources);

/// <summary>
/// Quotas of pools and users. Asked inside the transaction that adds or resumes a session, and that is serializable: of two
/// that would take the last piece at the same moment, the second sees what the first has taken.
/// </summary>
public static class Quotas
{
    private const double Gigabyte = 1L << 30;

    /// <exception cref="ProblemException">A quota would be exceeded: which, what holds it, and what to do.</exception>
    public static async Task RequireAsync(DbConnection connection, Claim claim)
    {
        var (ofUser, _) = await UserQuotas.OfAsync(connection, claim.UserId);
        var pool = await connection.QuerySingleOrDefaultAsync<PoolQuota>("SELECT name, quota FROM resource_pools WHERE id = @PoolId", new { claim.PoolId });
        var ofPool = pool?.Quota is { } json ? JsonSerializer.Deserialize(json, BerthJson.Default.Quota) : null;
        if (ofPool is null && ofUser == new UserQuota())
            return;

        var holders = await HoldersAsync(connection, claim.UserId, claim.PoolId);
        holders.RemoveAll(h => h.Id == claim.SessionId);
        var wanted = Amounts.Of(claim.Resources);
        var mine = holders.FindAll(h => h.UserId == claim.UserId);
        Limit("Your quota", ofUser.Sessions, new Measure("session at once", "sessions at once", _ => 1), new Amounts(0, 0, 0), mine, mine);
        LimitAll("Your quota", ofUser, wanted, mine, mine);
        if (ofPool is not null)
        {
            var inPool = holders.FindAll(h => h.PoolId == claim.PoolId);
            LimitAll($"The quota of pool '{pool!.Name}'", new UserQuota(null, ofPool.Cpu, ofPool.Memory, ofPool.Gpu), wanted, inPool, mine);
        }
    }

    /// <summary>What holds for a user, and what their sessions hold.</summary>
    public static async Task<QuotaUse> UseAsync(DbConnection connection, string userId)
    {
        var (limits, _) = await UserQuotas.OfAsync(connection, userId);
        var mine = (await HoldersAsync(connection, userId, poolId: 0)).ConvertAll(h => h.Amounts);
        var gpus = mine.Sum(a => a.Gpus);
        return new QuotaUse(limits, new UserQuota(mine.Count, mine.Sum(a => a.Cores), Math.Round(mine.Sum(a => a.Gigabytes), 3), double.IsInfinity(gpus) ? -1 : (int)gpus));
    }

    private static void LimitAll(string whose, UserQuota quota, Amounts wanted, List<Holder> holders, List<Holder> mine)
    {
        Limit(whose, quota.Cpu, new Measure("core", "cores", a => a.Cores), wanted, holders, mine);
        Limit(whose, quota.Memory, new Measure("GB of memory", "GB of memory", a => a.Gigabytes), wanted, holders, mine);
        Limit(whose, quota.Gpu, new Measure("gpu", "gpus", a => a.Gpus), wanted, holders, mine);
    }

    private static void Limit(string whose, double? limit, Measure measure, Amounts wanted, List<Holder> holders, List<Holder> mine)
    {
        var asked = measure.Of(wanted);
        var used = holders.Sum(h => measure.Of(h.Amounts));
        // What nothing is asked of may be overdrawn: the quota was larger once.
        if (limit is not { } most || asked <= 0 || used + asked <= most + 1e-9)
            return;
        var own = mine.FindAll(h => holders.Contains(h) && measure.Of(h.Amounts) > 0);
        var by = own.Count switch
        {
            0 => used > 0 ? ", by sessions of others" : "",
            _ => $", {(own.Count < holders.Count(h => measure.Of(h.Amounts) > 0) ? "also " : "")}by your {(own.Count == 1 ? "session" : "sessions")} {Names(own, measure)}",
        };
        var next = own.Count > 0 ? $"Pause or stop one of yours (`berth session pause {own[0].Name}`), or ask for less."
            : used > 0 ? "Ask for less, choose another pool (`berth pool list`), or try again when others have stopped."
            : "Ask for less.";
        throw new ProblemException(
            ProblemCode.QuotaExceeded, $"{whose} is {most:0.##} {(most == 1 ? measure.One : measure.Many)}: {Number(used)} in use{by}; {Number(asked)} more {(asked == 1 ? "is" : "are")} asked for. {next}");
    }

    private static string Names(List<Holder> own, Measure measure)
    {
        var names = own.Take(10).Select(h => measure.Counts ? $"'{h.Name}'" : $"'{h.Name}' ({Number(measure.Of(h.Amounts))})");
        return string.Join(", ", names) + (own.Count > 10 ? $" and {own.Count - 10} more" : "");
    }

    private static string Number(double number) => double.IsInfinity(number) ? "all" : $"{number:0.##}";

    private static async Task<List<Holder>> HoldersAsync(DbConnection connection, string userId, int poolId) =>
        (await connection.QueryAsync<Holder>(
            """
            SELECT id, name, user_id, pool_id, spec FROM sessions
            WHERE (user_id = @userId OR pool_id = @poolId) AND status IN ('launching', 'running', 'pausing', 'stopping') ORDER BY id
            """,
            new { userId, poolId })).AsList();

    /// <summary>A quantity that a quota limits.</summary>
    private sealed record Measure(string One, string Many, Func<Amounts, double> Of)
    {
        /// <summary>Each session is one: to say how much of it each holds would say nothing.</summary>
        public bool Counts => One.StartsWith("session", StringComparison.Ordinal);
    }

    /// <summary>All gpus of a machine are more than any number of them.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Amounts(double Cores, double Gigabytes, double Gpus)
    {
        public static Amounts Of(SessionResources resources) => new(
            resources.Cpu,
            resources.MemoryBytes / Gigabyte,
            resources.Gpu.Count < 0 ? double.PositiveInfinity : Math.Max(resources.Gpu.Count, resources.Gpu.Ids.Count));
    }

    private sealed class Holder
    {
        private Amounts? _amounts;

        public required string Id { get; init; }
        public required string Name { get; init; }
        public required string UserId { get; init; }
        public int PoolId { get; init; }
        public required string Spec { get; init; }

        public Amounts Amounts => _amounts ??= Sessions.Quotas.Amounts.Of(JsonSerializer.Deserialize(Spec, CoreJson.Default.SessionSpec)!.Resources);
    }

    private sealed class PoolQuota
    {
        public required string Name { get; init; }
        public string? Quota { get; init; }
    }
}
