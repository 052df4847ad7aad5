using System.Data.Common;
using Berth.Core.Faults;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>
/// The right to observe and act on one provider instance. One replica holds it; it runs out by itself when its holder
/// dies, and whoever takes it next gets a higher epoch.
/// </summary>
public sealed class Lease(string name, string holder, Db db, TimeProvider clock)
{
    /// <summary>How long a lease lasts without being renewed.</summary>
    public static TimeSpan Lasts { get; } = TimeSpan.FromSeconds(15);

    /// <summary>How often it is renewed.</summary>
    public static TimeSpan RenewEvery { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Takes it when it is free, expired or already ours; renews it when it is ours.</summary>
    /// <param name="force">Take it in any case: for a database that only this process can have open.</param>
    /// <param name="ct">Cancels.</param>
    public Task<bool> TakeAsync(bool force, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        return db.WriteAsync(
            async connection =>
            {
                await connection.ExecuteAsync(
                    "INSERT INTO leases (name, holder, epoch, expires_at) VALUES (@name, '', 0, 0) ON CONFLICT (name) DO NOTHING", new { name });
                return await connection.ExecuteAsync(
                    """
                    UPDATE leases SET epoch = CASE WHEN holder = @holder THEN epoch ELSE epoch + 1 END, holder = @holder, expires_at = @until
                    WHERE name = @name AND (holder = @holder OR expires_at < @now OR @force = @yes)
                    """,
                    new
                    {
                        name,
                        holder,
                        force,
                        yes = true,
                        now = now.ToUnixTimeMilliseconds(),
                        until = (now + Lasts).ToUnixTimeMilliseconds(),
                    }) == 1;
            },
            ct,
            Commit.LeaseTaken);
    }

    /// <summary>Gives it back, so that a successor need not wait.</summary>
    public Task ReleaseAsync(CancellationToken ct) =>
        db.ExecuteAsync("UPDATE leases SET expires_at = 0 WHERE name = @name AND holder = @holder", new { name, holder }, ct);

    /// <summary>Whether it is still ours, inside a transaction that depends on it.</summary>
    public async Task<bool> IsHeldAsync(DbConnection connection) => await connection.ExecuteScalarAsync<long>(
        "SELECT count(*) FROM leases WHERE name = @name AND holder = @holder AND expires_at >= @now",
        new { name, holder, now = clock.GetUtcNow().ToUnixTimeMilliseconds() }) == 1;
}

/// <summary>Another replica acts on the provider instance now.</summary>
public sealed class LeaseLostException(string name) : Exception($"The lease of '{name}' is held by another server.");
