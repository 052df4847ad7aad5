using System.Globalization;
using Berth.Core.Sessions;
using Berth.Server.Live;
using Berth.Server.Sessions;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Tests.Storage;

/// <summary>Each migration is tried on what a server of the former schema had written: <c>Former/NNNN.sql</c> adds what schema NNNN can hold.</summary>
public abstract class MigrationTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private Db _db = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected abstract Task<TestDatabase> CreateAsync();

    public async ValueTask InitializeAsync()
    {
        _database = await CreateAsync();
        _db = _database.Open();
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _database.DisposeAsync();
    }

    [Fact]
    public async Task EachMigrationKeepsWhatWasThere()
    {
        await MigrateAsync(1);
        await FillAsync(1);
        for (var number = 2; number <= Migrator.Newest; number++)
        {
            var before = await ReadAsync();
            await MigrateAsync(number);
            var after = await ReadAsync();
            foreach (var (table, rows) in before.Where(t => t.Key != "schema_version" && t.Value.Count > 0))
            {
                Assert.True(after.ContainsKey(table), $"migration {number} takes the table {table} away");
                Assert.Equal(rows, after[table].Select(row => row.Where(cell => rows[0].ContainsKey(cell.Key)).ToDictionary()));
            }

            await FillAsync(number);
        }
    }

    [Fact]
    public async Task SessionsOfTheFirstSchemaAreReadAsTheyWere()
    {
        await MigrateAsync(1);
        await FillAsync(1);
        await MigrateAsync(Migrator.Newest);
        var store = new SessionStore(_db, new ChangeFeed(), new SessionDirectory(), TimeProvider.System);
        var sessions = (await store.OpenSessionsAsync(ProviderNames.Docker, Stop)).ToDictionary(s => s.Facts.Name);
        Assert.Equal(["ended", "failed", "paused", "running"], sessions.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(SessionStatus.Running, sessions["running"].Session.Status);
        Assert.Equal("berth/jupyterlab:latest", sessions["running"].Spec.Image);
        Assert.Equal(SessionStatus.Paused, sessions["paused"].Session.Status);
        Assert.Equal(Reason.PullFailed, sessions["failed"].Session.Reason);
        Assert.Equal((SessionStatus.Ended, true), (sessions["ended"].Session.Status, sessions["ended"].Session.HasWorkspace));
        // No deadline of a session is lost or sprung by a field that an older program did not write.
        foreach (var stored in sessions.Values)
            Assert.All(Deadlines.Of(stored.Session), deadline => Assert.True(deadline.At > stored.Session.StatusSince, $"{stored.Facts.Name}: {deadline}"));
        Assert.Contains(Deadlines.Of(sessions["running"].Session), d => d.Kind == DeadlineKind.Idle);
        Assert.Contains(Deadlines.Of(sessions["paused"].Session), d => d.Kind == DeadlineKind.Paused);
        Assert.Contains(Deadlines.Of(sessions["ended"].Session), d => d.Kind == DeadlineKind.Retention);
    }

    private Task MigrateAsync(int number) => TestDatabase.Migrator(_db).RunAsync(null, Stop, number);

    private async Task FillAsync(int number)
    {
        await using var sql = typeof(MigrationTests).Assembly.GetManifestResourceStream($"Former.{number:D4}.sql");
        if (sql is null)
            return;
        using var reader = new StreamReader(sql);
        await _db.ExecuteAsync(await reader.ReadToEndAsync(Stop), null, Stop);
    }

    /// <summary>All rows of all tables, ordered, each cell as text.</summary>
    private async Task<Dictionary<string, List<Dictionary<string, string?>>>> ReadAsync()
    {
        await using var connection = await _db.OpenAsync(Stop);
        var tables = await connection.QueryAsync<string>(_database.Options.DatabaseUrl is null
            ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            : "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'");
        var all = new Dictionary<string, List<Dictionary<string, string?>>>();
        foreach (var table in tables)
        {
            // Before a migration and after it in the same order, whatever columns it adds: by the first column, a key.
            var rows = await connection.QueryAsync($"SELECT * FROM {table} ORDER BY 1, 2");
            all[table] = [.. rows.Cast<IDictionary<string, object?>>()
                .Select(row => row.ToDictionary(cell => cell.Key, cell => Convert.ToString(cell.Value, CultureInfo.InvariantCulture)))];
        }

        return all;
    }
}

public sealed class SqliteMigrationTests : MigrationTests
{
    protected override Task<TestDatabase> CreateAsync() => Task.FromResult(TestDatabase.Sqlite());
}

[Trait("Needs", "postgres")]
public sealed class PostgresMigrationTests(PostgresFixture postgres) : MigrationTests
{
    protected override Task<TestDatabase> CreateAsync() => TestDatabase.PostgresAsync(postgres);
}
