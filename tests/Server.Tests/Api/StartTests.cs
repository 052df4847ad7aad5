using System.Net;
using System.Net.Sockets;
using Berth.Server.Options;
using Berth.Server.Storage;
using Berth.Server.Tests.Storage;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Api;

public sealed class StartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-a-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ATakenPortIsSaidInASentenceWithWhoHasIt()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var app = BerthServer.Build(Options("a") with { Port = port });
        var refused = await Assert.ThrowsAsync<StartupException>(() => BerthServer.StartAsync(app, Stop));
        Assert.Contains($"Port {port} is taken by another program (", refused.Message);
        Assert.Contains($"process {Environment.ProcessId})", refused.Message);
        Assert.Contains("--port", refused.Message);
    }

    [Fact]
    public async Task ASecondStartKeepsWhatTheFirstMade()
    {
        for (var i = 0; i < 2; i++)
        {
            await using var app = BerthServer.Build(Options("a"));
            await BerthServer.StartAsync(app, Stop);
            await AssertOneOfEachAsync(app.Services.GetRequiredService<Db>());
            await app.StopAsync(Stop);
        }
    }

    [Fact]
    [Trait("Needs", "postgres")]
    public async Task ServersThatStartTogetherOnOneDatabaseMakeOneOfEach()
    {
        await using var postgres = new PostgresFixture();
        var url = await postgres.CreateDatabaseAsync();
        var apps = Enumerable.Range(0, 3).Select(i => BerthServer.Build(Options($"{i}") with { DatabaseUrl = url })).ToList();
        await Task.WhenAll(apps.Select(a => Task.Run(() => BerthServer.StartAsync(a, Stop), Stop)));
        await AssertOneOfEachAsync(apps[0].Services.GetRequiredService<Db>());
        foreach (var app in apps)
        {
            await app.StopAsync(Stop);
            await app.DisposeAsync();
        }
    }

    [Fact]
    public async Task ADatabaseThatDoesNotAnswerIsSaidWithoutItsPassword()
    {
        await using var app = BerthServer.Build(Options("a") with { DatabaseUrl = "postgres://me:secret@127.0.0.1:1/berth" });
        var refused = await Assert.ThrowsAsync<StartupException>(() => BerthServer.StartAsync(app, Stop));
        Assert.Contains("database cannot be used", refused.Message);
        Assert.DoesNotContain("secret", refused.Message);
    }

    private static async Task AssertOneOfEachAsync(Db db)
    {
        await using var connection = await db.OpenAsync(Stop);
        foreach (var table in (string[])["users", "projects", "environments", "resource_pools"])
            Assert.Equal(1, await connection.ExecuteScalarAsync<int>($"SELECT count(*) FROM {table}"));
    }

    private ServerOptions Options(string name) => new()
    {
        DataFolder = Path.Combine(_folder, name),
        AgentFolder = Path.Combine(_folder, "agent"),
        Port = 0,
        DockerHost = "unix:///nowhere.sock",
    };
}
