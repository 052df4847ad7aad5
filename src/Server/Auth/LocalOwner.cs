using Berth.Server.Problems;
using Berth.Server.Storage;
using Berth.Server.Users;
using Dapper;

namespace Berth.Server.Auth;

/// <summary>The user who stands for whoever runs the server: made at the first start, an admin, signed in by the local socket.</summary>
public sealed class LocalOwner(Db db, TimeProvider clock)
{
    private const string Setting = "owner";

    // Read once: neither who it is nor their name ever changes, and the health is asked for while the database is away.
    private Caller? _owner;

    /// <summary>Makes the owner where there is none yet.</summary>
    public Task EnsureAsync(CancellationToken ct) => db.WriteAsync(async connection =>
    {
        if (await connection.ExecuteScalarAsync<string?>("SELECT value FROM settings WHERE name = @Setting", new { Setting }) is not null)
            return;
        var id = await NewUser.InsertAsync(connection, new NewUser(NewUser.NameFrom(Environment.UserName), IsAdmin: true), clock);
        await connection.ExecuteAsync("INSERT INTO settings (name, value) VALUES (@Setting, @id)", new { Setting, id });
    }, ct);

    public async Task<string> UserIdAsync(CancellationToken ct) => (await CallerAsync(ct)).UserId;

    /// <summary>Who comes through the local socket.</summary>
    public async Task<Caller> CallerAsync(CancellationToken ct)
    {
        if (_owner is { } known)
            return known;
        await using var connection = await db.OpenAsync(ct);
        var row = await connection.QuerySingleOrDefaultAsync<ProofRow>(
            "SELECT u.id AS user_id, u.username, u.is_admin FROM settings s JOIN users u ON u.id = s.value WHERE s.name = @Setting", new { Setting })
            ?? throw new ProblemException(Contracts.Problems.ProblemCode.Unavailable, "The server is still starting.");
        // Whoever runs the server can do everything to it anyway.
        return _owner = new Caller(row.UserId, row.Username, IsAdmin: true, CallerKind.LocalSocket, null);
    }
}
