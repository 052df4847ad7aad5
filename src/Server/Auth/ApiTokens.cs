using System.Net;
using Berth.Contracts.Users;
using Berth.Core.Ids;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Auth;

/// <summary>API tokens: <c>Authorization: Bearer berth_…</c>, with the rights of their user as far as their scope goes, until they expire or are revoked.</summary>
public sealed class ApiTokens(Db db, CallerCache cache, Revocations revocations, TokenGuesses guesses, TimeProvider clock)
{
    private const string Prefix = "berth_";
    private const int DefaultDays = 90;
    private static readonly TimeSpan WriteUseAfter = TimeSpan.FromHours(1);

    public async Task<TokenCreated> CreateAsync(Caller caller, TokenRequest request, CancellationToken ct)
    {
        var name = Check.Name(request.Name, "name");
        var days = Check.Range(request.ExpiresInDays ?? DefaultDays, 1, 366, "expires_in_days");
        var scope = TokenScopes.Parse(request.Scope ?? TokenScope.All.Word(), "scope").Word();
        var secret = Prefix + Secret.New();
        var now = clock.GetUtcNow();
        var token = new TokenView(Ulid.New(clock), name, now, now.AddDays(days), null, scope);
        await db.ExecuteAsync(
            "INSERT INTO api_tokens (id, hash, user_id, name, scope, created_at, expires_at) VALUES (@Id, @Hash, @UserId, @Name, @Scope, @Now, @ExpiresAt)",
            new
            {
                token.Id,
                Hash = Secret.Hash(secret),
                caller.UserId,
                Name = name,
                Scope = scope,
                Now = now.ToUnixTimeMilliseconds(),
                ExpiresAt = token.ExpiresAt.ToUnixTimeMilliseconds(),
            }, ct);
        return new TokenCreated(token, secret);
    }

    public async Task<List<TokenView>> ListAsync(Caller caller, CancellationToken ct) => (await ListAsync(caller, PageRequest.Everything, ct)).Items;

    public async Task<PageOf<TokenView>> ListAsync(Caller caller, PageRequest page, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return (await page.QueryAsync<TokenRow>(connection, "SELECT * FROM api_tokens WHERE user_id = @UserId", "id", new { caller.UserId })).Select(r => r.View());
    }

    public async Task RevokeAsync(Caller caller, string id, CancellationToken ct)
    {
        var revocation = new Revocation(RevocationKind.Proof, id);
        var revoked = await db.WriteAsync(async connection =>
        {
            if (await connection.ExecuteAsync("DELETE FROM api_tokens WHERE id = @id AND user_id = @UserId", new { id, caller.UserId }) == 0)
                return false;
            await revocations.TellAsync(connection, revocation);
            return true;
        }, ct);
        if (revoked)
            revocations.Apply(revocation);
    }

    /// <summary>Whose token it is; null: nobody's.</summary>
    /// <param name="secret">What the header says.</param>
    /// <param name="address">From where; null: this machine's socket.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="ProblemException">Too many wrong ones came from there.</exception>
    public async Task<Caller?> FindAsync(string secret, IPAddress? address, CancellationToken ct)
    {
        // Looked up by its hash: how long that takes says nothing about tokens that are there.
        var hash = Secret.Hash(secret);
        guesses.Check(address, hash);
        if (!secret.StartsWith(Prefix, StringComparison.Ordinal) || secret.Length > 100)
        {
            guesses.Wrong(address, hash);
            return null;
        }

        var epoch = cache.Epoch;
        if ((cache.Find(hash) ?? await ReadAsync(hash, ct)) is not { } proof)
        {
            guesses.Wrong(address, hash);
            return null;
        }

        guesses.Right(hash);
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        if (now - proof.RenewedAt > WriteUseAfter.TotalMilliseconds)
        {
            proof = proof with { RenewedAt = now };
            await db.ExecuteAsync("UPDATE api_tokens SET last_used_at = @now WHERE id = @Id", new { now, proof.Id }, ct);
        }

        cache.Remember(hash, proof, epoch);
        return proof.Caller;
    }

    private async Task<Proof?> ReadAsync(string hash, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var row = await connection.QuerySingleOrDefaultAsync<ProofRow>(
            """
            SELECT t.id, t.expires_at, t.last_used_at, t.scope, t.user_id, u.username, u.is_admin
            FROM api_tokens t JOIN users u ON u.id = t.user_id
            WHERE t.hash = @hash AND t.expires_at > @Now AND u.disabled = false
            """, new { hash, Now = clock.GetUtcNow().ToUnixTimeMilliseconds() });
        return row is null ? null : new Proof(
            row.Id,
            new Caller(row.UserId, row.Username, row.IsAdmin, CallerKind.Token, null, row.Id, TokenScopes.Parse(row.Scope, "scope"))
            {
                ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(row.ExpiresAt),
            },
            row.ExpiresAt,
            row.LastUsedAt ?? 0);
    }

    private sealed class TokenRow
    {
        public string Id { get; init; } = "";
        public string Name { get; init; } = "";
        public long CreatedAt { get; init; }
        public long ExpiresAt { get; init; }
        public long? LastUsedAt { get; init; }
        public string Scope { get; init; } = "";

        public TokenView View() => new(
            Id, Name, DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt), DateTimeOffset.FromUnixTimeMilliseconds(ExpiresAt),
            LastUsedAt is { } used ? DateTimeOffset.FromUnixTimeMilliseconds(used) : null, Scope);
    }
}
