using System.Data;
using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Berth.Server.Storage;

/// <summary>One transaction. What is not committed when it is disposed is rolled back.</summary>
/// <remarks>
/// On SQLite it is begun and ended by statements. Out of disk, SQLite rolls back by itself; the library's own transaction
/// then tries it a second time, and that fault would hide the first.
/// </remarks>
internal sealed class Transaction : IAsyncDisposable
{
    private readonly DbConnection _connection;
    private readonly DbTransaction? _postgres;

    private Transaction(DbConnection connection, DbTransaction? postgres) => (_connection, _postgres) = (connection, postgres);

    /// <summary>One that writes. SQLite's write lock is taken first, so none fails half-way.</summary>
    public static Task<Transaction> WritingAsync(DbConnection connection, CancellationToken ct) =>
        BeginAsync(connection, IsolationLevel.Serializable, "BEGIN IMMEDIATE", ct);

    /// <summary>One that sees the moment of its first read, and is in nobody's way.</summary>
    public static Task<Transaction> ReadingAsync(DbConnection connection, CancellationToken ct) =>
        BeginAsync(connection, IsolationLevel.RepeatableRead, "BEGIN DEFERRED", ct);

    private static async Task<Transaction> BeginAsync(DbConnection connection, IsolationLevel postgres, string sqlite, CancellationToken ct)
    {
        if (connection is not SqliteConnection)
            return new(connection, await connection.BeginTransactionAsync(postgres, ct));
        await connection.ExecuteAsync(sqlite);
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
