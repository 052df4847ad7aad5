using System.Data.Common;
using System.Diagnostics;
using Berth.Fakes;
using Berth.Server.Options;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Tests.Storage;

/// <summary>What holds on both databases.</summary>
public abstract class DbTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private Db _db = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected abstract Task<TestDatabase> CreateAsync();

    public async ValueTask InitializeAsync()
    {
        _database = await CreateAsync();
        _db = await _database.OpenMigratedAsync();
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _database.DisposeAsync();
    }

    [Fact]
    public async Task RowsComeBackAsTheyWereWritten()
    {
        await AddUserAsync("anna", admin: true, createdAt: 1_790_000_000_123);
        await AddUserAsync("ben", admin: false, createdAt: 5);
        await using var db = await _db.OpenAsync(Stop);
        var rows = (await db.QueryAsync<UserRow>("SELECT * FROM users WHERE disabled = false ORDER BY created_at DESC")).AsList();
        Assert.Equal(["anna", "ben"], rows.Select(r => r.Username));
        Assert.True(rows[0].IsAdmin);
        Assert.False(rows[1].IsAdmin);
        Assert.Equal(1_790_000_000_123, rows[0].CreatedAt);
        Assert.Null(rows[0].FirstName);
    }

    [Fact]
    public async Task IntegersDoublesAndNullsComeBack()
    {
        await _db.ExecuteAsync(
            """
            INSERT INTO resource_pools (id, name, is_default, is_public, idle_threshold, idle_cpu_threshold, reach)
            VALUES (7, 'Seven', true, true, NULL, 0.25, 'agent')
            """, null, Stop);
        await using var db = await _db.OpenAsync(Stop);
        var pool = await db.QuerySingleAsync<PoolRow>("SELECT * FROM resource_pools");
        Assert.Equal((7, null, 0.25, true), (pool.Id, pool.IdleThreshold, pool.IdleCpuThreshold, pool.IsPublic));
    }

    [Fact]
    public async Task AnExceptionRollsTheWholeTransactionBack()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _db.WriteAsync(async db =>
        {
            await db.ExecuteAsync(InsertUser, User("carl"));
            throw new InvalidOperationException("no");
        }, Stop));
        Assert.Equal(0, await CountUsersAsync());
    }

    [Fact]
    public async Task TakenNamesAreToldApartFromOtherErrors()
    {
        await AddUserAsync("dora");
        var taken = await Assert.ThrowsAnyAsync<DbException>(() => AddUserAsync("dora"));
        Assert.True(taken.IsUniqueViolation());
        var orphan = await Assert.ThrowsAnyAsync<DbException>(() =>
            _db.ExecuteAsync("INSERT INTO sign_in_links VALUES ('h', 'nobody', 1)", null, Stop));
        Assert.True(orphan.IsForeignKeyViolation());
        Assert.False(orphan.IsUniqueViolation());
    }

    [Fact]
    public async Task ConcurrentReadAndWriteBackLosesNothing()
    {
        // Each reads, thinks, and writes what it read plus one: right only when transactions are serializable and repeated.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _db.WriteAsync(async db =>
        {
            var value = await db.ExecuteScalarAsync<long>("SELECT value FROM counters WHERE name = 'resource_pools'");
            await Task.Yield();
            await db.ExecuteAsync("UPDATE counters SET value = @Value WHERE name = 'resource_pools'", new { Value = value + 1 });
        }, Stop)));
        await using var db = await _db.OpenAsync(Stop);
        Assert.Equal(20, await db.ExecuteScalarAsync<long>("SELECT value FROM counters WHERE name = 'resource_pools'"));
    }

    [Fact]
    public async Task OneConditionalUpdateTakesALeaseForOneOnly()
    {
        await _db.ExecuteAsync("INSERT INTO leases VALUES ('docker', '', 0, 0)", null, Stop);
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => _db.ExecuteAsync(
            "UPDATE leases SET holder = @Me, epoch = epoch + 1, expires_at = 1000 WHERE name = 'docker' AND expires_at < 500", new { Me = $"r{i}" }, Stop)));
        Assert.Equal(1, taken.Sum());
    }

    [Fact]
    public async Task ReadersDoNotWaitForAWriter()
    {
        await AddUserAsync("emil");
        var begun = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        var writing = _db.WriteAsync(async db =>
        {
            await db.ExecuteAsync(InsertUser, User("fritz"));
            begun.SetResult();
            await go.Task;
        }, Stop);
        await begun.Task;
        Assert.Equal(1, await CountUsersAsync());
        go.SetResult();
        await writing;
        Assert.Equal(2, await CountUsersAsync());
    }

    [Fact]
    public async Task WhatIsReadTogetherIsOfOneMoment()
    {
        await AddUserAsync("gina");
        var (before, after) = await _db.ReadAsync(async db =>
        {
            var first = await db.ExecuteScalarAsync<int>("SELECT count(*) FROM users");
            await AddUserAsync("hugo");
            return (first, await db.ExecuteScalarAsync<int>("SELECT count(*) FROM users"));
        }, Stop);
        Assert.Equal((1, 1), (before, after));
        Assert.Equal(2, await CountUsersAsync());
    }

    [Fact]
    public async Task MigratingAgainChangesNothing()
    {
        await TestDatabase.Migrator(_database.Open()).RunAsync(null, Stop);
        await using var db = await _db.OpenAsync(Stop);
        Assert.Equal(Migrator.Newest, await db.ExecuteScalarAsync<int>("SELECT count(*) FROM schema_version"));
    }

    [Fact]
    public async Task SeveralServersMayMigrateAtOnce()
    {
        await using var empty = await CreateAsync();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => TestDatabase.Migrator(empty.Open()).RunAsync(null, Stop))));
        await using var db = await empty.Open().OpenAsync(Stop);
        Assert.Equal(Migrator.Newest, await db.ExecuteScalarAsync<int>("SELECT max(number) FROM schema_version"));
    }

    [Fact]
    public async Task ADatabaseOfANewerProgramIsRefused()
    {
        await _db.ExecuteAsync("INSERT INTO schema_version VALUES (9999, 0)", null, Stop);
        var refused = await Assert.ThrowsAsync<StartupException>(() => TestDatabase.Migrator(_database.Open()).RunAsync(null, Stop));
        Assert.Contains("newer Berth (its schema is 9999", refused.Message);
    }

    private const string InsertUser =
        "INSERT INTO users (id, username, is_admin, disabled, created_at) VALUES (@Id, @Username, @IsAdmin, false, @CreatedAt)";

    private static UserRow User(string name, bool admin = false, long createdAt = 0) =>
        new() { Id = name, Username = name, IsAdmin = admin, CreatedAt = createdAt };

    private Task<int> AddUserAsync(string name, bool admin = false, long createdAt = 0) =>
        _db.ExecuteAsync(InsertUser, User(name, admin, createdAt), Stop);

    private async Task<int> CountUsersAsync()
    {
        await using var db = await _db.OpenAsync(Stop);
        return await db.ExecuteScalarAsync<int>("SELECT count(*) FROM users");
    }

    private sealed class UserRow
    {
        public string Id { get; init; } = "";
        public string Username { get; init; } = "";
        public bool IsAdmin { get; init; }
        public string? FirstName { get; init; }
        public long CreatedAt { get; init; }
    }

    private sealed class PoolRow
    {
        public int Id { get; init; }
        public int? IdleThreshold { get; init; }
        public double IdleCpuThreshold { get; init; }
        public bool IsPublic { get; init; }
    }
}

public sealed class SqliteDbTests : DbTests
{
    protected override Task<TestDatabase> CreateAsync() => Task.FromResult(TestDatabase.Sqlite());

    [Fact]
    public async Task ASecondServerOnTheSameDataFolderIsRefused()
    {
        using var folder = new TemporaryFolder();
        var options = new ServerOptions { DataFolder = folder.Path, AgentFolder = folder.Path };
        using (await DataFolderLock.TakeAsync(options, TimeProvider.System))
        {
            var refused = await Assert.ThrowsAsync<StartupException>(() => DataFolderLock.TakeAsync(options, new ManualClock(DateTimeOffset.UnixEpoch))); // it does not wait
            Assert.Contains($"in use by another Berth server (process {Environment.ProcessId})", refused.Message);
        }

        (await DataFolderLock.TakeAsync(options, TimeProvider.System)).Dispose();
    }

    [Fact]
    public async Task AFolderThatCannotBeWrittenIsNotSaidToBeInUse()
    {
        using var folder = new TemporaryFolder();
        var options = new ServerOptions { DataFolder = folder.Path, AgentFolder = folder.Path };
        var pid = Directory.CreateDirectory(Path.Combine(folder.Path, "berth.pid")); // no file can be written there, whoever tries
        var refused = await Assert.ThrowsAsync<StartupException>(() => DataFolderLock.TakeAsync(options, TimeProvider.System));
        Assert.Contains("cannot be written", refused.Message);

        pid.Delete();
        (await DataFolderLock.TakeAsync(options, TimeProvider.System)).Dispose();
    }

    [Fact]
    public async Task WhatAKilledServerWasJustStartingIsWaitedForButNotForEver()
    {
        var ct = TestContext.Current.CancellationToken;
        using var folder = new TemporaryFolder();
        var options = new ServerOptions { DataFolder = folder.Path, AgentFolder = folder.Path };
        using var killed = Process.Start(new ProcessStartInfo("true"))!;
        await killed.WaitForExitAsync(ct);
        var left = await DataFolderLock.TakeAsync(options, TimeProvider.System);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "berth.pid"), $"{killed.Id}\n", ct);

        var clock = new PauseClock();
        var taken = DataFolderLock.TakeAsync(options, clock);
        await clock.Pauses.ReadAsync(ct);
        Assert.False(taken.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Contains($"in use by another Berth server (process {killed.Id})", (await Assert.ThrowsAsync<StartupException>(() => taken)).Message);

        taken = DataFolderLock.TakeAsync(options, clock);
        await clock.Pauses.ReadAsync(ct);
        left.Dispose();
        clock.Advance(TimeSpan.FromSeconds(1));
        (await taken).Dispose();
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("berth-t-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}

[Trait("Needs", "postgres")]
public sealed class PostgresDbTests(PostgresFixture postgres) : DbTests
{
    protected override Task<TestDatabase> CreateAsync() => TestDatabase.PostgresAsync(postgres);
}
