using System.Data;
using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Berth.Server.Storage;

/// <summary>One transaction that writes. What is not committed when it is disposed is rolled back.</summary>
/// <remarks>
/// On SQLite it is begun and ended by statements. Out of disk, SQLite rolls back by itself; the library's own transaction
/// then tries it a second time, and that fault would hide the first.
/// </remarks>
internal sealed class WriteTransaction : IAsyncDisposable
{
    private readonly DbConnection _connection;
    private readonly DbTransaction? _postgres;

    private WriteTransaction(DbConnection connection, DbTransaction? postgres) => (_connection, _postgres) = (connection, postgres);

    public static async Task<WriteTransaction> BeginAsync(DbConnection connection, CancellationToken ct)
    {
        if (connection is not SqliteConnection)
            return new(connection, await connection.BeginTransactionAsync(IsolationLevel.Serializable, ct));
        // The write lock is taken first, so no transaction fails half-way.
        await connection.ExecuteAsync("BEGIN IMMEDIATE");
        return new(connection, null);
    }

    public Task CommitAsync(CancellationToken ct) => _postgres?.CommitAsync(ct) ?? _connection.ExecuteAsync("COMMIT");

    public async ValueTask DisposeAsync()
    {
        if (_postgres is not null)
            await _postgres.DisposeAsync();
        else if (raw.sqlite3_get_autocommit(((SqliteConnection)_connection).Handle) == 0)
            await _connection.ExecuteAsync("ROLLBACK");
    }
}
