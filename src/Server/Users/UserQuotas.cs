using System.Data.Common;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Users;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Users;

/// <summary>Quotas of users as stored: each user's own, and the installation's default for those who have none.</summary>
public sealed class UserQuotas(Db db)
{
    private const string Setting = "user_quota";
    private const int Most = 1_000_000;

    /// <summary>The default.</summary>
    public async Task<UserQuota> DefaultAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return await DefaultAsync(connection);
    }

    /// <summary>Changes the default, for starts and resumes from now on.</summary>
    public async Task<UserQuota> SetDefaultAsync(UserQuota quota, CancellationToken ct)
    {
        var value = Text(Checked(quota, ""));
        await db.ExecuteAsync(
            "INSERT INTO settings (name, value) VALUES (@Setting, @value) ON CONFLICT (name) DO UPDATE SET value = @value", new { Setting, value }, ct);
        return await DefaultAsync(ct);
    }

    /// <summary>What holds for a user, and whether it is their own.</summary>
    public static async Task<(UserQuota Quota, bool IsOwn)> OfAsync(DbConnection connection, string userId) =>
        Read(await connection.ExecuteScalarAsync<string?>("SELECT quota FROM users WHERE id = @userId", new { userId })) is { } own
            ? (own, true)
            : (await DefaultAsync(connection), false);

    /// <summary>Refuses what is out of range, naming the field.</summary>
    public static UserQuota Checked(UserQuota quota, string prefix) => quota with
    {
        Sessions = Check.Range(quota.Sessions, 0, Most, prefix + "sessions"),
        Cpu = Amount(quota.Cpu, prefix + "cpu"),
        Memory = Amount(quota.Memory, prefix + "memory"),
        Gpu = Check.Range(quota.Gpu, 0, Most, prefix + "gpu"),
    };

    /// <summary>As stored.</summary>
    public static string? Text(UserQuota? quota) => quota is null ? null : JsonSerializer.Serialize(quota, BerthJson.Default.UserQuota);

    /// <inheritdoc cref="Text"/>
    public static UserQuota? Read(string? text) => text is null ? null : JsonSerializer.Deserialize(text, BerthJson.Default.UserQuota);

    private static async Task<UserQuota> DefaultAsync(DbConnection connection) =>
        Read(await connection.ExecuteScalarAsync<string?>("SELECT value FROM settings WHERE name = @Setting", new { Setting })) ?? new UserQuota();

    private static double? Amount(double? amount, string field) => amount switch
    {
        null or (>= 0 and <= Most) => amount + 0.0, // JSON has a minus zero, too
        _ => throw Check.Invalid(field, $"must be a number from 0 to {Most}, or null for no limit; it is {amount:0.###}"),
    };
}
