using System.Data.Common;
using Berth.Core.Faults;
using Berth.Server.Options;
using Dapper;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Berth.Server.Storage;

/// <summary>
/// The database: SQLite in the data folder, or PostgreSQL. The same SQL runs on both, through Dapper: columns in snake
/// case fill properties in Pascal case; times are UTC milliseconds in a <c>long</c>.
/// <para>Reads use <see cref="OpenAsync"/>, or <see cref="ReadAsync{T}"/> where two of them must fit together. Everything that writes goes through <see cref="WriteAsync{T}"/> or
/// <see cref="ExecuteAsync"/>: SQLite has one writer at a time, and who waits for its turn must not hold a thread.</para>
/// </summary>
public sealed class Db : IAsyncDisposable
{
    // How long a transaction is repeated while others are in its way; then whoever asked is told.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _clock;
    private readonly string? _sqlite;
    private readonly NpgsqlDataSource? _postgres;
    private readonly string? _listener;
    private readonly SemaphoreSlim _sqliteWriter = new(1, 1);

    static Db() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    public Db(ServerOptions options, TimeProvider clock)
    {
        _clock = clock;
        if (options.DatabaseUrl is { } url)
        {
            if (!PostgresUrl.TryParse(url, out var connectionString, out var problem))
                throw new ArgumentException($"The database URL {problem}.", nameof(options));
            _postgres = NpgsqlDataSource.Create(connectionString);
            // A connection that only waits has to find out by itself, within ten seconds, that nobody is there any more.
            _listener = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, KeepAlive = 5, CommandTimeout = 5 }.ConnectionString;
        }
        else
        {
            SqliteLibrary.Use();
            SqliteFile = options.DatabaseFile;
            _sqlite = new SqliteConnectionStringBuilder { DataSource = options.DatabaseFile, ForeignKeys = true, DefaultTimeout = 1 }.ToString();
        }
    }

    /// <summary>Only migrations need to know.</summary>
    internal string? SqliteFile { get; }

    /// <inheritdoc cref="SqliteFile"/>
    internal bool IsSqlite => SqliteFile is not null;

    /// <summary>A connection from the pool; dispose it soon.</summary>
    public async ValueTask<DbConnection> OpenAsync(CancellationToken ct)
    {
        DbMeter.Opened();
        if (_postgres is not null)
            return await _postgres.OpenConnectionAsync(ct);
        return await OpenedAsync(new SqliteConnection(_sqlite), ct);
    }

    /// <summary>A connection of PostgreSQL's to wait for notices on; for <see cref="ReplicaChannel"/> alone.</summary>
    internal Task<NpgsqlConnection> OpenListenerAsync(CancellationToken ct) => OpenedAsync(new NpgsqlConnection(_listener), ct);

    /// <summary>Runs queries that all see the same moment, whatever is written meanwhile.</summary>
    public async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> queries, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(queries);
        await using var connection = await OpenAsync(ct);
        await using var transaction = await Transaction.ReadingAsync(connection, ct);
        return await queries(connection);
    }

    /// <summary>
    /// Runs <paramref name="work"/> as one serializable transaction and commits it; when another one was in the way, the
    /// whole work is repeated. So it must do nothing but read and write through the connection it is given. Commands need
    /// not name the transaction. An exception rolls back.
    /// </summary>
    /// <param name="work">Reads and writes.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="commit">Which commit of a session's life it is; null: none.</param>
    public async Task<T> WriteAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken ct, Commit? commit = null)
    {
        ArgumentNullException.ThrowIfNull(work);
        var begun = _clock.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await WriteOnceAsync(work, commit, ct);
            }
            catch (DbException e) when (e.IsTransient() && _clock.GetElapsedTime(begun) < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(1, 10 * attempt)), _clock, ct);
            }
        }
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Func<DbConnection, Task> work, CancellationToken ct) =>
        WriteAsync(async db =>
        {
            await work(db);
            return true;
        }, ct);

    /// <summary>Runs one writing statement. Returns how many rows it changed.</summary>
    public Task<int> ExecuteAsync(string sql, object? args, CancellationToken ct) =>
        WriteAsync(db => db.ExecuteAsync(new CommandDefinition(sql, args, cancellationToken: ct)), ct);

    private static async Task<T> OpenedAsync<T>(T connection, CancellationToken ct)
        where T : DbConnection
    {
        try
        {
            await connection.OpenAsync(ct);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task<T> WriteOnceAsync<T>(Func<DbConnection, Task<T>> work, Commit? commit, CancellationToken ct)
    {
        if (IsSqlite)
            await _sqliteWriter.WaitAsync(ct);
        try
        {
            await using var connection = await OpenAsync(ct);
            await using var transaction = await Transaction.WritingAsync(connection, ct);
            var result = await work(connection);
            if (commit is { } next)
                FaultPoints.Before(next);
            await transaction.CommitAsync(ct);
            if (commit is { } done)
                FaultPoints.After(done);
            return result;
        }
        finally
        {
            if (IsSqlite)
                _sqliteWriter.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _sqliteWriter.Dispose();
        if (_postgres is not null)
            await _postgres.DisposeAsync();
        if (_sqlite is not null)
        {
            using var connection = new SqliteConnection(_sqlite);
            SqliteConnection.ClearPool(connection);
        }
    }
}
