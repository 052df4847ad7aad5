using Berth.Contracts.Problems;
using Berth.Contracts.Users;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Users;

/// <summary>
/// A way in for who has no password or lost it: an admin hands them a link. Whatever let somebody in as them before does
/// so no more: the reason may be that a stranger knows the password, and has made API tokens with it.
/// </summary>
public sealed class ResetLinks(Db db, SignInLinks links, Revocations revocations)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    /// <param name="userId">For whom.</param>
    /// <param name="keepTokens">Their API tokens go on working.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="ProblemException">There is no such user, or they are disabled.</exception>
    public async Task<SignInLink> CreateAsync(string userId, bool keepTokens, CancellationToken ct)
    {
        var revocation = new Revocation(RevocationKind.User, userId);
        await db.WriteAsync(
            async connection =>
            {
                var disabled = await connection.QuerySingleOrDefaultAsync<bool?>("SELECT disabled FROM users WHERE id = @userId", new { userId })
                    ?? throw new ProblemException(ProblemCode.NotFound, $"There is no user '{userId}'.");
                if (disabled)
                    throw new ProblemException(ProblemCode.Conflict, "This user is disabled, and no link would let them in: enable them first.");
                await connection.ExecuteAsync("UPDATE users SET password_hash = NULL WHERE id = @userId", new { userId });
                await connection.ExecuteAsync("DELETE FROM sign_ins WHERE user_id = @userId", new { userId });
                await connection.ExecuteAsync("DELETE FROM sign_in_links WHERE user_id = @userId", new { userId });
                if (!keepTokens)
                    await connection.ExecuteAsync("DELETE FROM api_tokens WHERE user_id = @userId", new { userId });
                await revocations.TellAsync(connection, revocation);
            },
            ct);
        revocations.Apply(revocation);
        return await links.CreateAsync(userId, Lifetime, ct);
    }
}
