using Berth.Fakes;
using Berth.Server.Options;
using Berth.Server.Storage;
using Berth.Server.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Berth.Server.Tests.Storage;

/// <summary>One PostgreSQL for all tests that ask for it, started when the first does.</summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresServer>> _server = new(PostgresServer.StartAsync);

    public async Task<string> CreateDatabaseAsync() => await (await _server.Value).CreateDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        if (_server.IsValueCreated)
            await (await _server.Value).DisposeAsync();
    }
}

/// <summary>A data folder, and a database in it or beside it, for one test.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly List<Db> _opened = [];

    private TestDatabase(ServerOptions options) => Options = options;

    public ServerOptions Options { get; }

    public static TestDatabase Sqlite() => new(NewOptions());

    public static async Task<TestDatabase> PostgresAsync(PostgresFixture postgres) =>
        new(NewOptions() with { DatabaseUrl = await postgres.CreateDatabaseAsync() });

    /// <summary>What a server process has: its own pools and locks.</summary>
    public Db Open()
    {
        var db = new Db(Options, TimeProvider.System);
        _opened.Add(db);
        return db;
    }

    public async Task<Db> OpenMigratedAsync()
    {
        var db = Open();
        await Migrator(db).RunAsync(null, TestContext.Current.CancellationToken);
        return db;
    }

    public static Migrator Migrator(Db db) => new(db, TimeProvider.System, NullLogger<Migrator>.Instance);

    public async ValueTask DisposeAsync()
    {
        foreach (var db in _opened)
            await db.DisposeAsync();
        Directory.Delete(Options.DataFolder, recursive: true);
    }

    private static ServerOptions NewOptions()
    {
        var folder = Directory.CreateTempSubdirectory("berth-t-").FullName;
        return new ServerOptions { DataFolder = folder, AgentFolder = folder };
    }
}
