using System.Security.Cryptography;
using System.Text;
using Berth.Fakes;
using Berth.Server.Nodes;
using Berth.Server.Storage;
using Berth.Server.Tests.Sessions;
using Berth.Server.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Server.Tests.Nodes;

/// <summary>Two servers on one database: a machine is connected to one of them, and that one looks after its sessions.</summary>
[Trait("Needs", "postgres")]
public sealed class NodeReplicaTests(PostgresFixture postgres) : NodeTest
{
    private SessionServer _other = null!;

    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _other = await SessionServer.BesideAsync(Server);
        foreach (var server in new[] { Server, _other })
            await Eventually.TrueAsync(() => server.Service<ReplicaChannel>().IsHearing, "it hears");
    }

    public override async ValueTask DisposeAsync()
    {
        await _other.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task AMachineThatConnectsToAnotherServerIsLookedAfterThere()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        await HeldByAsync(Server, node);
        await node.CutAsync();
        await ConnectAsync(node, _other);
        await HeldByAsync(_other, node);

        // Placed by the one server, started by the other.
        var session = await StartAsync();
        await Eventually.TrueAsync(() => node.Compute.Keys.Count == 1, "the machine has it");
        await using var agent = await AgentAsync(_other, session);
        await Server.UntilAsync(session, "running");

        // The one that has not got its connection does not take it for lost, however long that is.
        foreach (var server in new[] { _other, Server })
            server.Clock.Move(Server.Options.NodeGrace + TimeSpan.FromMinutes(1));
        await HeldByAsync(_other, node);
        foreach (var server in new[] { _other, Server })
        {
            var view = await server.Client.GetSessionAsync(session, Ct);
            Assert.Equal(("running", null), (view.Berth.Status, view.Berth.Reason));
            Assert.Equal(("ready", null), (await server.Client.GetNodeAsync("lab1", Ct)) switch { var n => (n.State, n.Problem) });
        }
    }

    [Fact]
    public async Task TheSessionsOfAMachineOutliveTheServerItWasConnectedTo()
    {
        await using var node = await FakeNode.JoinAsync(_other, "lab1", Admin);
        await HeldByAsync(_other, node);
        var session = await StartAsync();
        await Eventually.TrueAsync(() => node.Compute.Keys.Count == 1, "the machine has it");
        var agent = await AgentAsync(_other, session);
        await Server.UntilAsync(session, "running");
        await agent.DisposeAsync();

        await _other.StopAsync();
        await HeldByAsync(Server, node);
        await Eventually.TrueAsync(async () => (await Server.Client.GetNodeAsync("lab1", Ct)).State == "away", "it is away");
        await node.ConnectAsync(Server);
        var seen = node.Compute.Observations;
        await Eventually.TrueAsync(() => node.Compute.Observations > seen, "the other server has looked at it");
        var view = await Server.Client.GetSessionAsync(session, Ct);
        Assert.Equal(("running", null, 1), (view.Berth.Status, view.Berth.Reason, view.Berth.Generation));
        await _other.BootAsync();
    }

    [Fact]
    public async Task AConnectionThatIsLeftOfAMachineEndsWhenItConnectsToAnotherServer()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        await HeldByAsync(Server, node);
        var left = node.Ended;
        await ConnectAsync(node, _other);
        await left.WaitAsync(TimeSpan.FromSeconds(10), Ct);
        await HeldByAsync(_other, node);
    }

    [Fact]
    public async Task AMachineIsKnownWhereItsJoinWasNotHeardAndUnknownWhereItsRemovalWasNot()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        var (nodes, db) = (_other.Service<NodeDirectory>(), _other.Db);
        await Eventually.TrueAsync(() => nodes.All.Count == 1, "the other has heard of it");

        // Changed behind the servers' backs: nobody says so.
        const string quiet = "node_of-another-server";
        await db.ExecuteAsync(
            "INSERT INTO nodes (id, name, hash, offer, draining, joined_at) VALUES ('01HXXXXXXXXXXXXXXXXXXXXXXX', 'quiet', @hash, '{}', false, 0)", new { hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(quiet))) }, Ct);
        var admission = _other.Service<NodeAdmission>();
        Assert.Equal("quiet", (await admission.FindAsync(quiet, null, Ct))?.Row.Name);
        Assert.Null(await admission.FindAsync("node_nonsense", null, Ct));

        await db.ExecuteAsync("DELETE FROM nodes WHERE name = 'quiet'", null, Ct);
        var deaf = new NodeAdmission(nodes, new ReplicaChannel(db, _other.Clock, NullLogger<ReplicaChannel>.Instance), db, _other.Clock);
        Assert.Null(await deaf.FindAsync(quiet, null, Ct));
        Assert.Equal("lab1", (await deaf.FindAsync(node.Token, null, Ct))?.Row.Name);
    }

    private static async Task ConnectAsync(FakeNode node, SessionServer server)
    {
        await Eventually.TrueAsync(() => server.Service<NodeDirectory>().All.Any(n => n.Row.Id == node.Joined.Id), "it has heard of it");
        await node.ConnectAsync(server);
    }

    /// <summary>Waits until this server holds the machine's lease, and it is valid.</summary>
    private static Task HeldByAsync(SessionServer server, FakeNode node) => Eventually.TrueAsync(
        async () => await server.CountAsync(
            $"SELECT count(*) FROM leases WHERE name = 'node:{node.Joined.Id}' AND holder = '{server.Service<Replica>().Name}' AND expires_at > {server.Clock.GetUtcNow().ToUnixTimeMilliseconds()}") == 1,
        "it holds the lease", TimeSpan.FromSeconds(30));
}
