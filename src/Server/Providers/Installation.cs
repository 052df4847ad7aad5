using Berth.Core.Ids;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Providers;

/// <summary>
/// Who we are: the label on everything that we start. It is in the database, so that all replicas of one installation are
/// one, and two installations on one engine leave each other alone.
/// </summary>
public sealed class Installation(Db db, TimeProvider clock)
{
    private string? _id;

    /// <summary>The id; known once <see cref="LoadAsync"/> has run.</summary>
    public string Id => _id ?? throw new InvalidOperationException("The installation's id is read when the server starts.");

    /// <summary>Reads the id, or makes it at the first start.</summary>
    public async Task LoadAsync(CancellationToken ct)
    {
        await db.ExecuteAsync(
            "INSERT INTO settings (name, value) VALUES ('installation', @id) ON CONFLICT (name) DO NOTHING", new { id = Ulid.New(clock) }, ct);
        await using var connection = await db.OpenAsync(ct);
        _id = await connection.ExecuteScalarAsync<string>("SELECT value FROM settings WHERE name = 'installation'");
    }
}
