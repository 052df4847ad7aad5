using Berth.Contracts.Agents;
using Berth.Contracts.Client;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Storage;
using Berth.Server.Tests.Sessions;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Berth.Server.Tests.Storage;

/// <summary>A database that is full, locked, read-only, or gone: what is new is refused in words, what runs goes on, nothing is lost.</summary>
public sealed class TroubleTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFullDiskRefusesWhatIsNewAndLosesNothing()
    {
        using var disk = SmallDisk.TryMount(megabytes: 16);
        Assert.SkipWhen(disk is null, "Mounting takes root.");
        await using var server = await SessionServer.StartAsync(dataFolder: disk.Folder);
        var (running, agent) = await server.RunningAsync();
        await using var _ = agent;

        disk.Fill();
        var accepted = new List<SessionView>();
        var refused = await RefusalAsync(server, accepted);
        Assert.Equal(ProblemCode.Unavailable, refused.Problem.Kind);
        Assert.Contains("its disk is full", refused.Problem.Message, StringComparison.Ordinal);
        Assert.Equal(accepted.Count + 1, (await server.Client.ListSessionsAsync(Stop)).Count);
        Assert.Contains((await server.Client.HealthAsync(Stop)).Checks, c => c is { Name: "disk", Ok: false });

        disk.Free();
        var (later, _) = await server.StartSessionAsync();
        foreach (var session in accepted.Append(later))
            await Eventually.TrueAsync(() => server.Compute.Keys.Any(k => k.SessionId == session.Id), "what was accepted is started");
        Assert.Equal("running", (await server.Client.GetSessionAsync(running.Id, Stop)).Berth.Status);
        await server.Client.PauseSessionAsync(running.Id, Stop);
        await server.UntilAsync(running.Id, "paused");
    }

    [Fact]
    public async Task ALockedDatabaseIsWaitedForAndThenRefusedInWords()
    {
        await using var server = await SessionServer.StartAsync();
        var (starting, _) = await server.StartSessionAsync();
        await Eventually.TrueAsync(() => server.Compute.Keys.Count == 1, "the compute has it");

        await using var other = new SqliteConnection($"Data Source={Path.Combine(server.DataFolder, "berth.db")};Pooling=False");
        await other.OpenAsync(Stop);
        Execute(other, "BEGIN EXCLUSIVE");
        // What the agent says now cannot be written down.
        await using var agent = await server.ReadyAgentAsync(starting);
        var refused = await Assert.ThrowsAsync<ApiException>(() => server.StartSessionAsync());
        Assert.Equal(ProblemCode.Unavailable, refused.Problem.Kind);
        Assert.Contains("another program has locked it", refused.Problem.Message, StringComparison.Ordinal);
        Assert.Equal("launching", Assert.Single(await server.Client.ListSessionsAsync(Stop)).Berth.Status);

        Execute(other, "ROLLBACK");
        await server.UntilAsync(starting.Id, "running");
    }

    [Fact]
    [Trait("Needs", "postgres")]
    public async Task ADatabaseThatGoesAndComesBackCostsNoSession()
    {
        await using var postgres = await PostgresServer.StartAsync();
        await using var server = await SessionServer.StartAsync(await postgres.CreateDatabaseAsync());
        var (running, agent) = await server.RunningAsync();
        await using var _ = agent;
        var (starting, _) = await server.StartSessionAsync();
        await Eventually.TrueAsync(() => server.Compute.Keys.Count == 2, "the compute has both");
        await using var second = await server.ConnectAgentAsync(starting);

        await postgres.HaltAsync();
        var refused = await Assert.ThrowsAsync<ApiException>(() => server.StartSessionAsync());
        Assert.Equal(ProblemCode.Unavailable, refused.Problem.Kind);
        Assert.Equal("down", (await server.Client.HealthAsync(Stop)).Status);
        // Said once, while nobody can write it down, and never again.
        await second.SayAsync(new AgentReport("ready", null, true, null, []), Stop);

        await postgres.ResumeAsync();
        await server.UntilAsync(starting.Id, "running");
        Assert.Equal("running", (await server.Client.GetSessionAsync(running.Id, Stop)).Berth.Status);
        await server.StartSessionAsync();
    }

    [Fact]
    [Trait("Needs", "postgres")]
    public async Task ADatabaseThatCanOnlyBeReadRefusesInWords()
    {
        await using var postgres = await PostgresServer.StartAsync();
        var url = await postgres.CreateDatabaseAsync();
        await using var server = await SessionServer.StartAsync(url);
        Assert.True(PostgresUrl.TryParse(url, out var connection, out _));

        await SetReadOnlyAsync(connection, readOnly: true);
        ApiException? refused = null;
        await Eventually.TrueAsync(
            async () =>
            {
                // The first tries may meet connections that were cut.
                try
                {
                    await server.StartSessionAsync();
                }
                catch (ApiException e)
                {
                    refused = e;
                }

                return refused?.Problem.Message.Contains("can only be read", StringComparison.Ordinal) == true;
            },
            "it is refused");
        Assert.Equal(ProblemCode.Unavailable, refused!.Problem.Kind);
        Assert.Empty(await server.Client.ListSessionsAsync(Stop));

        await SetReadOnlyAsync(connection, readOnly: false);
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    return (await server.StartSessionAsync()).Created;
                }
                catch (ApiException e) when (e.Problem.Kind == ProblemCode.Unavailable)
                {
                    return false;
                }
            },
            "it works again");
    }

    /// <summary>Starts sessions until one is refused: a little may still fit into what the database has got already.</summary>
    private static async Task<ApiException> RefusalAsync(SessionServer server, List<SessionView> accepted)
    {
        for (var i = 0; i < 200; i++)
        {
            try
            {
                accepted.Add((await server.StartSessionAsync()).Session);
            }
            catch (ApiException e)
            {
                return e;
            }
        }

        throw new InvalidOperationException("Nothing was refused.");
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static async Task SetReadOnlyAsync(string database, bool readOnly)
    {
        await using var admin = NpgsqlDataSource.Create(database);
        await using var connection = await admin.OpenConnectionAsync(Stop);
        string[] steps =
        [
            "SET default_transaction_read_only = off",
            $"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {(readOnly ? "on" : "off")}', current_database()); END $$",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        ];
        foreach (var step in steps)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = step;
            await command.ExecuteNonQueryAsync(Stop);
        }
    }
}
