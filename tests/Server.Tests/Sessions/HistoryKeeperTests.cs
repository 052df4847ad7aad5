using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Berth.Server.Tests.Storage;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Server.Tests.Sessions;

/// <summary>What is forgotten of sessions that are over, and when.</summary>
public sealed class HistoryKeeperTests(PostgresFixture postgres)
{
    private static readonly string[] Tables = ["sessions", "session_events", "session_launchers", "environments"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnEndedSessionIsForgottenAfterNinetyDaysAndLeavesNothing(bool onPostgres)
    {
        await using var server = await SessionServer.StartAsync(onPostgres ? await postgres.CreateDatabaseAsync() : null);
        var before = await CountAsync(server);
        var gone = await EndedAsync(server, "gone", deleteWork: true);
        var keeper = Keeper(server);

        server.Clock.Move(TimeSpan.FromDays(89));
        Assert.Equal(0, await keeper.ForgetAsync(Ct));
        Assert.NotEmpty(await server.Client.SessionEventsAsync(gone, Ct));

        server.Clock.Move(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(1));
        Assert.Equal(1, await keeper.ForgetAsync(Ct));
        Assert.Equal(before, await CountAsync(server));
        Assert.Empty(await server.Client.ListSessionsAsync(Ct, ended: true));
    }

    [Fact]
    public async Task WhatRunsOrIsPausedOrHasItsWorkIsNotForgotten()
    {
        await using var server = await SessionServer.StartAsync();
        await server.Db.ExecuteAsync("UPDATE resource_pools SET idle_threshold = 0, hibernation_threshold = 0, retention_threshold = 0", null, Ct); // never
        var (running, agent) = await server.RunningAsync(new StartRequest(Image: "busybox", Name: "runs"));
        await using var _ = agent;
        var (paused, second) = await server.RunningAsync(new StartRequest(Image: "busybox", Name: "paused"));
        await using (second)
            await server.Client.PauseSessionAsync(paused.Id, Ct);
        await server.UntilAsync(paused.Id, "paused");
        var kept = await EndedAsync(server, "kept", deleteWork: false);

        server.Clock.Move(TimeSpan.FromDays(1000));
        Assert.Equal(0, await Keeper(server).ForgetAsync(Ct));

        foreach (var id in (string[])[running.Id, paused.Id, kept])
            Assert.NotEmpty(await server.Client.SessionEventsAsync(id, Ct));
    }

    [Fact]
    public async Task AServerForgetsByItself()
    {
        await using var server = await SessionServer.StartAsync();
        await EndedAsync(server, "gone", deleteWork: true);
        server.Clock.Move(TimeSpan.FromDays(91));

        await server.RestartAsync();

        await Eventually.TrueAsync(async () => (await server.Client.ListSessionsAsync(Ct, ended: true)).Count == 0, "it is forgotten");
    }

    [Fact]
    public async Task ALauncherThatStillHasASessionStays()
    {
        await using var server = await SessionServer.StartAsync();
        var first = await EndedAsync(server, "first", deleteWork: false);
        var (next, _) = await server.StartSessionAsync(new StartRequest(Continue: first, Name: "next"));
        await Eventually.TrueAsync(() => server.Compute.Keys.Any(k => k.SessionId == next.Id), "it starts");
        await using var agent = await server.ReadyAgentAsync(next);
        await server.UntilAsync(next.Id, "running");
        await server.Client.StopSessionAsync(first, deleteWork: true, Ct);
        await Eventually.TrueAsync(async () => await server.CountAsync("SELECT count(*) FROM sessions WHERE has_workspace = false") == 1, "nothing is left of the first");

        server.Clock.Move(TimeSpan.FromDays(91));
        Assert.Equal(1, await Keeper(server).ForgetAsync(Ct));

        Assert.Equal(1, await server.CountAsync("SELECT count(*) FROM session_launchers WHERE listed = false"));
        Assert.Equal("next", (await server.Client.GetSessionAsync(next.Id, Ct)).Name);
    }

    [Fact]
    public async Task ManyAreForgottenInSmallStepsAndTheirRoomIsUsedAgain()
    {
        await using var server = await SessionServer.StartAsync();
        var one = await EndedAsync(server, "one", deleteWork: true);
        const int Many = HistoryKeeper.Batch * 4;
        server.Clock.Move(TimeSpan.FromDays(91));

        await CopyAsync(server, one, Many, "a");
        var full = await server.CountAsync("PRAGMA page_count");
        Assert.Equal(Many + 1, await Keeper(server).ForgetAsync(Ct));
        Assert.Equal(0, await server.CountAsync("SELECT count(*) FROM session_events"));

        var again = await EndedAsync(server, "again", deleteWork: true);
        server.Clock.Move(TimeSpan.FromDays(91));
        await CopyAsync(server, again, Many, "b");
        Assert.InRange(await server.CountAsync("PRAGMA page_count"), 1, full + 10);
        Assert.Equal(Many + 1, await Keeper(server).ForgetAsync(Ct));
    }

    [Fact]
    public async Task NothingIsForgottenWhereTheAdministratorSaysSo()
    {
        await using var server = await SessionServer.StartAsync();
        await EndedAsync(server, "gone", deleteWork: true);
        server.Clock.Move(TimeSpan.FromDays(10_000));
        using var keeper = Keeper(server, server.Options with { HistoryDays = 0 });

        await keeper.StartAsync(Ct);
        await keeper.ExecuteTask!;

        Assert.Single(await server.Client.ListSessionsAsync(Ct, ended: true));
    }

    private static HistoryKeeper Keeper(SessionServer server, ServerOptions? options = null) =>
        new(server.Db, options ?? server.Options, server.Clock, NullLogger<HistoryKeeper>.Instance);

    private static async Task<string> EndedAsync(SessionServer server, string name, bool deleteWork)
    {
        var (session, agent) = await server.RunningAsync(new StartRequest(Image: "busybox", Name: name));
        await using (agent)
            await server.Client.StopSessionAsync(session.Id, deleteWork, Ct);
        await server.UntilAsync(session.Id, "ended");
        return session.Id;
    }

    private static async Task<string> CountAsync(SessionServer server)
    {
        var counts = new List<string>();
        foreach (var table in Tables)
            counts.Add($"{table}: {await server.CountAsync($"SELECT count(*) FROM {table}")}");
        return string.Join(", ", counts);
    }

    /// <summary>As if it had happened often: the row and its events, under other ids.</summary>
    private static Task CopyAsync(SessionServer server, string session, int times, string prefix) => server.Db.WriteAsync(
        async connection =>
        {
            var columns = (await connection.QueryAsync<string>("SELECT name FROM pragma_table_info('sessions')")).ToList();
            var copied = string.Join(", ", columns.Select(c => c is "id" or "workspace" ? "@copy" : c));
            for (var i = 0; i < times; i++)
            {
                var copy = $"{prefix}{i:D25}";
                await connection.ExecuteAsync($"INSERT INTO sessions ({string.Join(", ", columns)}) SELECT {copied} FROM sessions WHERE id = @session", new { copy, session });
                await connection.ExecuteAsync(
                    "INSERT INTO session_events (id, session_id, at, kind, text, generation) SELECT @copy || id, @copy, at, kind, text, generation FROM session_events WHERE session_id = @session",
                    new { copy, session });
            }
        },
        Ct);
}
