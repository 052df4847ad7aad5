using Berth.Contracts.Users;
using Berth.Core.Ids;
using Berth.Server.Options;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Auth;

/// <summary>
/// Browsers that are signed in: a cookie with a random value, of which the database holds the hash. It ends 30 days after
/// its last use, at sign-out, or when the user is disabled.
/// </summary>
public sealed class SignIns(Db db, CallerCache cache, LiveSignIns live, Revocations revocations, PublicAddress address, TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);
    private static readonly TimeSpan RenewAfter = TimeSpan.FromDays(1);

    /// <summary>
    /// Names the port where there is no TLS: cookies do not know ports, and two servers on one machine would sign each
    /// other's users out.
    /// </summary>
    public string CookieName => address.IsSecure ? "__Host-berth" : $"berth-{address.Url.Port}";

    /// <summary>Signs a browser in: sets the cookie.</summary>
    public async Task CreateAsync(HttpContext context, string userId, CancellationToken ct)
    {
        var secret = Secret.New();
        var now = clock.GetUtcNow();
        var id = Ulid.New(clock);
        var expiresAt = (now + Lifetime).ToUnixTimeMilliseconds();
        await db.WriteAsync(async connection =>
        {
            await connection.ExecuteAsync("DELETE FROM sign_ins WHERE expires_at < @Now", new { Now = now.ToUnixTimeMilliseconds() });
            await connection.ExecuteAsync(
                "INSERT INTO sign_ins (id, hash, user_id, created_at, expires_at) VALUES (@Id, @Hash, @UserId, @Now, @ExpiresAt)",
                new
                {
                    Id = id,
                    Hash = Secret.Hash(secret),
                    UserId = userId,
                    Now = now.ToUnixTimeMilliseconds(),
                    ExpiresAt = expiresAt,
                });
            await revocations.TellSignInAsync(connection, id, userId, expiresAt);
        }, ct);
        live.Add(id, userId, expiresAt);
        SetCookie(context, secret);
    }

    /// <summary>Who the cookie signs in; null: nobody.</summary>
    public async Task<Caller?> FindAsync(HttpContext context, CancellationToken ct)
    {
        if (context.Request.Cookies[CookieName] is not { Length: > 0 and < 100 } secret)
            return null;
        var hash = Secret.Hash(secret);
        var epoch = cache.Epoch;
        if ((cache.Find(hash) ?? await ReadAsync(hash, ct)) is not { } proof)
            return null;
        var now = clock.GetUtcNow();
        if (now.ToUnixTimeMilliseconds() - proof.RenewedAt > RenewAfter.TotalMilliseconds)
        {
            proof = proof with { ExpiresAt = (now + Lifetime).ToUnixTimeMilliseconds(), RenewedAt = now.ToUnixTimeMilliseconds() };
            if (!await RenewAsync(proof, ct))
                return null;
            live.Add(proof.Id, proof.Caller.UserId, proof.ExpiresAt);
            SetCookie(context, secret);
            // Ended between the two: forgetting came first.
            if (cache.Epoch != epoch && await ReadAsync(hash, ct) is null)
            {
                live.End(proof.Id);
                return null;
            }
        }

        cache.Remember(hash, proof, epoch);
        return proof.Caller;
    }

    /// <summary>Signs the browser out: the cookie's value is worth nothing any more, also to who may have copied it.</summary>
    public async Task EndAsync(HttpContext context, Caller caller, CancellationToken ct)
    {
        context.Response.Cookies.Delete(CookieName, Cookie());
        if (caller.SignInId is not { } id)
            return;
        var revocation = new Revocation(RevocationKind.Proof, id);
        await db.WriteAsync(async connection =>
        {
            await connection.ExecuteAsync("DELETE FROM sign_ins WHERE id = @id", new { id });
            await revocations.TellAsync(connection, revocation);
        }, ct);
        revocations.Apply(revocation);
    }

    /// <summary>False: it was ended meanwhile.</summary>
    private Task<bool> RenewAsync(Proof proof, CancellationToken ct) => db.WriteAsync(async connection =>
    {
        if (await connection.ExecuteAsync("UPDATE sign_ins SET expires_at = @ExpiresAt WHERE id = @Id", new { proof.ExpiresAt, proof.Id }) == 0)
            return false;
        await revocations.TellSignInAsync(connection, proof.Id, proof.Caller.UserId, proof.ExpiresAt);
        return true;
    }, ct);

    /// <summary>The caller's browsers that are signed in, the latest first.</summary>
    public async Task<List<SignInView>> ListAsync(Caller caller, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var rows = await connection.QueryAsync<(string Id, long CreatedAt, long ExpiresAt)>(
            "SELECT id, created_at, expires_at FROM sign_ins WHERE user_id = @UserId AND expires_at > @Now ORDER BY id DESC LIMIT 1000",
            new { caller.UserId, Now = clock.GetUtcNow().ToUnixTimeMilliseconds() });
        return [.. rows.Select(r => new SignInView(r.Id, At(r.CreatedAt), At(r.ExpiresAt) - Lifetime, At(r.ExpiresAt), r.Id == caller.SignInId))];

        static DateTimeOffset At(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
    }

    /// <summary>Signs one of the caller's browsers out, or (where <paramref name="id"/> is null) all of them, the one that asks too.</summary>
    public async Task EndAsync(Caller caller, string? id, CancellationToken ct)
    {
        var ended = await db.WriteAsync(
            async connection =>
            {
                var which = new { caller.UserId, id };
                var ids = await connection.QueryAsync<string>("SELECT id FROM sign_ins WHERE user_id = @UserId AND (@id IS NULL OR id = @id)", which);
                await connection.ExecuteAsync("DELETE FROM sign_ins WHERE user_id = @UserId AND (@id IS NULL OR id = @id)", which);
                var gone = ids.Select(signIn => new Revocation(RevocationKind.Proof, signIn)).ToList();
                foreach (var revocation in gone)
                    await revocations.TellAsync(connection, revocation);
                return gone;
            },
            ct);
        ended.ForEach(revocations.Apply);
    }

    private async Task<Proof?> ReadAsync(string hash, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var row = await connection.QuerySingleOrDefaultAsync<ProofRow>(
            """
            SELECT s.id, s.expires_at, s.user_id, u.username, u.is_admin
            FROM sign_ins s JOIN users u ON u.id = s.user_id
            WHERE s.hash = @hash AND s.expires_at > @Now AND u.disabled = false
            """, new { hash, Now = clock.GetUtcNow().ToUnixTimeMilliseconds() });
        return row is null ? null : new Proof(
            row.Id,
            new Caller(row.UserId, row.Username, row.IsAdmin, CallerKind.Browser, row.Id),
            row.ExpiresAt,
            row.ExpiresAt - (long)Lifetime.TotalMilliseconds);
    }

    private void SetCookie(HttpContext context, string secret)
    {
        var cookie = Cookie();
        cookie.MaxAge = Lifetime;
        context.Response.Cookies.Append(CookieName, secret, cookie);
    }

    private CookieOptions Cookie() => new() { HttpOnly = true, Secure = address.IsSecure, SameSite = SameSiteMode.Lax, Path = "/", IsEssential = true };
}

/// <summary>A sign-in or token with its user.</summary>
internal sealed class ProofRow
{
    public string Id { get; init; } = "";
    public long ExpiresAt { get; init; }
    public long? LastUsedAt { get; init; }
    public string Scope { get; init; } = "";
    public string UserId { get; init; } = "";
    public string Username { get; init; } = "";
    public bool IsAdmin { get; init; }
}
