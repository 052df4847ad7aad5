using Berth.Contracts.Agents;
using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Tests.Storage;

namespace Berth.Server.Tests.Sessions;

/// <summary>A server loses the lease while agents stay connected to it: what they say meanwhile is said once, and counts afterwards.</summary>
[Trait("Needs", "postgres")]
public sealed class LeaseTests(PostgresFixture postgres)
{
    // The lease is looked after every five seconds.
    private static readonly TimeSpan Patience = Lease.RenewEvery * 4;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<AgentReport, string> Said => new()
    {
        { new AgentReport("ready", null, true, null, []), "running" },
        { new AgentReport("starting", "no such file", false, null, [], "command_not_found"), "failed" },
    };

    [Theory]
    [MemberData(nameof(Said), DisableDiscoveryEnumeration = true)]
    public async Task WhatAgentsSayWhileAnotherServerHasTheLeaseCountsOnceItIsBack(AgentReport said, string status)
    {
        await using var server = await SessionServer.StartAsync(await postgres.CreateDatabaseAsync());
        var (session, agent) = await StartingAsync(server);
        await using var _ = agent;

        await server.Db.ExecuteAsync("UPDATE leases SET holder = 'another server', epoch = epoch + 1, expires_at = @never", new { never = long.MaxValue }, Ct);
        await LoopEndedAsync(server);
        await agent.SayAsync(said, Ct);
        Assert.Equal("launching", (await server.Client.GetSessionAsync(session.Id, Ct)).Berth.Status);
        Assert.Equal(1, await server.CountAsync("SELECT count(*) FROM leases WHERE name = 'docker' AND holder = 'another server'"));

        await server.Db.ExecuteAsync("UPDATE leases SET expires_at = 0", null, Ct);
        await UntilAsync(server, session, status);
        Assert.Single(server.Compute.Orders);
    }

    [Fact]
    public async Task WhatTheOtherServerDidMeanwhileIsNotUndoneByWhatWasSaid()
    {
        await using var server = await SessionServer.StartAsync(await postgres.CreateDatabaseAsync());
        var (session, agent) = await StartingAsync(server);
        await using var _ = agent;
        await server.Db.ExecuteAsync("UPDATE leases SET holder = 'another server', epoch = epoch + 1, expires_at = @never", new { never = long.MaxValue }, Ct);
        await LoopEndedAsync(server);

        // The other one has begun the session's next start: this agent is of the first.
        await server.Db.ExecuteAsync("UPDATE sessions SET generation = 2, step = 'none', version = version + 1", null, Ct);
        await agent.SayAsync(new AgentReport("starting", "no such file", false, null, [], "command_not_found"), Ct);
        await server.Db.ExecuteAsync("UPDATE leases SET expires_at = 0", null, Ct);

        await Eventually.TrueAsync(() => server.Compute.Orders.Any(o => o.Key.Generation == 2), "its next start is begun", Patience);
        await using var second = await server.ReadyAgentAsync(await server.Client.GetSessionAsync(session.Id, Ct));
        await UntilAsync(server, session, "running");
    }

    [Fact]
    public async Task WhatAgentsSayWhileTheDatabaseIsAwayUntilTheLeaseRunsOutCountsOnceItIsBack()
    {
        await using var database = await PostgresServer.StartAsync();
        await using var server = await SessionServer.StartAsync(await database.CreateDatabaseAsync());
        var (session, agent) = await StartingAsync(server);
        await using var _ = agent;

        await database.HaltAsync();
        await LoopEndedAsync(server);
        server.Clock.Move(Lease.Lasts);
        await agent.SayAsync(new AgentReport("ready", null, true, null, []), Ct);

        await database.ResumeAsync();
        await UntilAsync(server, session, "running");
        Assert.Single(server.Compute.Orders);
    }

    private static async Task<(SessionView Session, Agents.SimulatedAgent Agent)> StartingAsync(SessionServer server)
    {
        var (session, _) = await server.StartSessionAsync();
        await Eventually.TrueAsync(() => server.Compute.Keys.Count == 1, "the compute has it");
        var agent = await server.ConnectAgentAsync(session);
        await agent.SayAsync(new AgentReport("preparing", "cloning", false, null, []), Ct);
        await Eventually.TrueAsync(async () => (await server.Client.GetSessionAsync(session.Id, Ct)).Berth.StageDetail == "cloning", "the agent is heard");
        return (session, agent);
    }

    private static Task LoopEndedAsync(SessionServer server) =>
        Eventually.TrueAsync(() => server.Compute.Watchers == 0, "the server has noticed, and its loop has ended", Patience);

    private static Task UntilAsync(SessionServer server, SessionView session, string status) => Eventually.TrueAsync(
        async () => (await server.Client.GetSessionAsync(session.Id, Ct)).Berth.Status == status, $"it is {status}", Patience);
}
