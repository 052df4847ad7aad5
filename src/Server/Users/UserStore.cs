using System.Data.Common;
using System.Net;
using System.Text.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Users;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Users;

/// <summary>The people of this server. They are never deleted, for what they made names them: they are disabled.</summary>
public sealed class UserStore(Db db, Revocations revocations, Passwords passwords, TimeProvider clock)
{
    public async Task<PageOf<UserView>> ListAsync(PageRequest page, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return (await page.QueryAsync<UserRow>(connection, "SELECT * FROM users", "id", new { })).Select(u => u.View());
    }

    /// <exception cref="ProblemException">There is none.</exception>
    public async Task<UserView> FindAsync(string id, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return (await RowAsync(connection, id)).View();
    }

    /// <summary>Whether there is a password to sign in with.</summary>
    public async Task<bool> HasPasswordAsync(string id, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return (await RowAsync(connection, id)).PasswordHash is not null;
    }

    public async Task<UserView> CreateAsync(UserRequest request, CancellationToken ct)
    {
        var user = ToUser(Checked(request));
        if (request.Disabled)
            throw Check.Invalid("disabled", "must be false for a new user");
        try
        {
            var id = await db.WriteAsync(
                async connection =>
                {
                    var made = await NewUser.InsertAsync(connection, user, clock);
                    await SetQuotaAsync(connection, made, request.Quota);
                    return made;
                },
                ct);
            return await FindAsync(id, ct);
        }
        catch (DbException e) when (e.IsUniqueViolation())
        {
            throw NameTaken(user.Username);
        }
    }

    /// <param name="caller">The admin.</param>
    /// <param name="id">Of the user.</param>
    /// <param name="patch">What is said anew. A password ends all sign-ins, and API tokens with them.</param>
    /// <param name="keepTokens">API tokens outlast a password that is said anew.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<UserView> EditAsync(Caller caller, string id, JsonElement patch, bool keepTokens, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(caller);
        var passwordGiven = patch.ValueKind == JsonValueKind.Object && patch.TryGetProperty("password", out _);
        var revocation = await db.WriteAsync(async connection =>
        {
            var row = await RowAsync(connection, id);
            var request = Checked(MergePatch.Apply(row.Request(), patch));
            if (request.Username != row.Username)
                throw Check.Invalid("username", "cannot be changed: addresses of projects hold it");
            if (row.Id == caller.UserId && (request.Disabled || (row.IsAdmin && !request.IsAdmin)))
                throw new ProblemException(ProblemCode.Conflict, "You cannot disable yourself or stop being an admin: another admin can.");
            var user = ToUser(request);
            await connection.ExecuteAsync(
                """
                UPDATE users SET is_admin = @IsAdmin, first_name = @FirstName, last_name = @LastName, email = @Email, disabled = @Disabled,
                    password_hash = @Hash
                WHERE id = @Id
                """,
                new
                {
                    row.Id,
                    user.IsAdmin,
                    user.FirstName,
                    user.LastName,
                    user.Email,
                    request.Disabled,
                    Hash = passwordGiven ? user.PasswordHash : row.PasswordHash,
                });
            await SetQuotaAsync(connection, row.Id, request.Quota);
            // A password that an admin sets anew is set because the old one is not to be trusted.
            var untrusted = passwordGiven || request.Disabled;
            if (untrusted)
                await connection.ExecuteAsync("DELETE FROM sign_ins WHERE user_id = @Id", new { row.Id });
            // Whoever knew it may have made tokens with it.
            if (passwordGiven && !keepTokens)
                await connection.ExecuteAsync("DELETE FROM api_tokens WHERE user_id = @Id", new { row.Id });
            var revocation = new Revocation(untrusted ? RevocationKind.User : RevocationKind.Rights, row.Id);
            await revocations.TellAsync(connection, revocation);
            return revocation;
        }, ct);
        revocations.Apply(revocation);
        return await FindAsync(id, ct);
    }

    /// <summary>One's own password; every other browser is signed out. API tokens stay: whoever they are for can see and revoke them.</summary>
    public async Task ChangePasswordAsync(Caller caller, PasswordRequest request, IPAddress? address, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(request);
        await using (var connection = await db.OpenAsync(ct))
        {
            var row = await RowAsync(connection, caller.UserId);
            if (row.PasswordHash is not null && !caller.IsLocal
                && await passwords.FindAsync(new SignInPlace(address, caller.ProofId), row.Username, request.CurrentPassword ?? "", ct) is null)
                throw Check.Invalid("current_password", "is not right");
        }

        var hash = Passwords.Hash(request.NewPassword, "new_password");
        var ended = await db.WriteAsync(async connection =>
        {
            await connection.ExecuteAsync("UPDATE users SET password_hash = @hash WHERE id = @UserId", new { hash, caller.UserId });
            var others = new { caller.UserId, Own = caller.SignInId ?? "" };
            var ids = await connection.QueryAsync<string>("SELECT id FROM sign_ins WHERE user_id = @UserId AND id <> @Own", others);
            await connection.ExecuteAsync("DELETE FROM sign_ins WHERE user_id = @UserId AND id <> @Own", others);
            var gone = ids.Select(signIn => new Revocation(RevocationKind.Proof, signIn)).ToList();
            foreach (var revocation in gone)
                await revocations.TellAsync(connection, revocation);
            return gone;
        }, ct);
        ended.ForEach(revocations.Apply);
    }

    /// <summary>The id of a user given by id or by name; null: there is none.</summary>
    public static Task<string?> IdOfAsync(DbConnection connection, string idOrName) =>
        connection.QuerySingleOrDefaultAsync<string?>("SELECT id FROM users WHERE id = @idOrName OR username = @idOrName", new { idOrName });

    private static async Task<UserRow> RowAsync(DbConnection connection, string id) =>
        await connection.QuerySingleOrDefaultAsync<UserRow>("SELECT * FROM users WHERE id = @id", new { id })
        ?? throw new ProblemException(ProblemCode.NotFound, $"There is no user '{id}'.");

    private static Task<int> SetQuotaAsync(DbConnection connection, string id, UserQuota? quota) =>
        connection.ExecuteAsync("UPDATE users SET quota = @Quota WHERE id = @id", new { id, Quota = UserQuotas.Text(quota) });

    private static UserRequest Checked(UserRequest request) => request with
    {
        Username = NewUser.CheckName(request.Username, "username"),
        FirstName = Check.Text(request.FirstName, "first_name", 99),
        LastName = Check.Text(request.LastName, "last_name", 99),
        Email = Check.Text(request.Email, "email", 254) is not { } email || email.IndexOf('@') > 0
            ? request.Email
            : throw Check.Invalid("email", $"must be an address such as ada@example.org; it is '{email}'"),
        Quota = request.Quota is null ? null : UserQuotas.Checked(request.Quota, "quota."),
    };

    private static NewUser ToUser(UserRequest request) => new(
        request.Username, request.IsAdmin, request.FirstName, request.LastName, request.Email,
        request.Password is null ? null : Passwords.Hash(request.Password, "password"));

    private static ProblemException NameTaken(string name) => new(ProblemCode.Conflict, $"There is already a user '{name}'.", "username");

    private sealed class UserRow
    {
        public string Id { get; init; } = "";
        public string Username { get; init; } = "";
        public bool IsAdmin { get; init; }
        public string? FirstName { get; init; }
        public string? LastName { get; init; }
        public string? Email { get; init; }
        public string? PasswordHash { get; init; }
        public bool Disabled { get; init; }
        public string? Quota { get; init; }

        public UserView View() => new(Id, Username, IsAdmin, FirstName, LastName, Email, Disabled, UserQuotas.Read(Quota));

        public UserRequest Request() => new(Username, null, IsAdmin, FirstName, LastName, Email, Disabled, UserQuotas.Read(Quota));
    }
}
