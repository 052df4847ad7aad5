using Berth.Contracts.Users;
using Berth.Server.Options;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Auth;

/// <summary>Links that sign a browser in once, within ten minutes.</summary>
public sealed class SignInLinks(Db db, PublicAddress address, TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    public Task<SignInLink> CreateAsync(string userId, CancellationToken ct) => CreateAsync(userId, Lifetime, ct);

    public async Task<SignInLink> CreateAsync(string userId, TimeSpan lifetime, CancellationToken ct)
    {
        var code = Secret.New();
        var now = clock.GetUtcNow();
        var expires = now + lifetime;
        await db.WriteAsync(async connection =>
        {
            await connection.ExecuteAsync("DELETE FROM sign_in_links WHERE expires_at < @Now", new { Now = now.ToUnixTimeMilliseconds() });
            await connection.ExecuteAsync(
                "INSERT INTO sign_in_links (hash, user_id, expires_at) VALUES (@Hash, @userId, @ExpiresAt)",
                new { Hash = Secret.Hash(code), userId, ExpiresAt = expires.ToUnixTimeMilliseconds() });
        }, ct);
        return new SignInLink($"{address.Origin}/sign-in/link?code={code}", expires);
    }

    /// <summary>Uses a link up. Returns whom it signs in; null: it is wrong, expired or used.</summary>
    public Task<string?> ConsumeAsync(string code, CancellationToken ct) => db.WriteAsync(async connection =>
    {
        var args = new { Hash = Secret.Hash(code), Now = clock.GetUtcNow().ToUnixTimeMilliseconds() };
        var userId = await connection.ExecuteScalarAsync<string?>(
            """
            SELECT l.user_id FROM sign_in_links l JOIN users u ON u.id = l.user_id
            WHERE l.hash = @Hash AND l.expires_at > @Now AND u.disabled = false
            """, args);
        await connection.ExecuteAsync("DELETE FROM sign_in_links WHERE hash = @Hash", args);
        return userId;
    }, ct);
}
