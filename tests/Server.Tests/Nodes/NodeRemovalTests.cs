using System.Diagnostics;
using Berth.Contracts.Client;
using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Nodes;
using Berth.Server.Tests.Queues;
using Berth.Server.Tests.Storage;
using Berth.Tunnel;

namespace Berth.Server.Tests.Nodes;

/// <summary>Machines are removed whole or not at all, and memory follows what was committed.</summary>
public abstract class NodeRemovalTests : LineTest
{
    [Fact]
    public async Task ARemovalWhoseClientHasGoneIsBroughtToItsEnd()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        var (a, b) = (await StartAsync("a"), await StartAsync("b"));
        await TakenAsync(node, a, b);
        var (stops, go) = (new CountdownEvent(2), new TaskCompletionSource());
        node.Compute.OnStop = async (_, ct) =>
        {
            stops.Signal();
            await go.Task.WaitAsync(ct);
        };
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var removing = Server.Client.RemoveNodeAsync("lab1", force: true, gone.Token);
        // Both at once: a machine with many slow sessions is not slower for it.
        Assert.True(stops.Wait(TimeSpan.FromSeconds(10), Ct));
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => removing);
        Assert.Equal("draining", (await Server.Client.GetNodeAsync("lab1", Ct)).State);

        go.SetResult();
        await Eventually.TrueAsync(async () => (await Server.Client.ListNodesAsync(Ct)).Count == 0, "it is removed");
        Assert.Empty(node.Compute.Keys);
        Assert.Equal(2, node.Compute.Workspaces.Count);
        foreach (var session in new[] { a, b })
            Assert.Equal(("ended", "node_removed"), await StatusAsync(session));
        await RefusedAsync(node);
    }

    [Fact]
    public async Task ARemovalThatAServersEndBrokeOffLeavesADrainedMachineThatCanBeRemovedAgain()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        var session = await StartAsync("a");
        await TakenAsync(node, session);
        var stopping = new TaskCompletionSource();
        node.Compute.OnStop = (_, ct) =>
        {
            stopping.TrySetResult();
            return Task.Delay(Timeout.Infinite, ct);
        };
        var removing = Server.Client.RemoveNodeAsync("lab1", force: true, Ct);
        await stopping.Task.WaitAsync(Ct);
        var watch = Stopwatch.StartNew();
        await Server.StopAsync();
        // Neither the removal nor the machine's connection holds it up until its patience is over.
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
        await Assert.ThrowsAnyAsync<Exception>(() => removing);
        await Server.BootAsync();
        await node.CutAsync();
        node.Compute.OnStop = null;
        await node.ConnectAsync();
        Assert.Equal("draining", (await Server.Client.GetNodeAsync("lab1", Ct)).State);
        Assert.Equal("ended", (await Server.UntilAsync(session, "ended")).Berth.Status);
        Assert.Empty(node.Compute.Keys);
        await Server.Client.RemoveNodeAsync("lab1", force: true, Ct);
        Assert.Empty(await Server.Client.ListNodesAsync(Ct));
    }

    [Fact]
    public async Task WhatDoesNotStopInTimeIsNamed()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        var (slow, quick) = (await StartAsync("slow"), await StartAsync("quick"));
        await TakenAsync(node, slow, quick);
        var asked = new TaskCompletionSource();
        node.Compute.OnStop = async (key, ct) =>
        {
            if (key.SessionId != slow)
                return;
            asked.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        };
        var removing = Server.Client.RemoveNodeAsync("lab1", force: true, Ct);
        await asked.Task.WaitAsync(Ct);
        await Server.UntilAsync(quick, "ended");
        Server.Clock.Move(TimeSpan.FromMinutes(1));
        var removed = await removing;
        Assert.Equal(("lab1", 2), (removed.Name, removed.Kept));
        Assert.Equal(["slow"], removed.Running);
        Assert.Equal(("ended", "node_removed"), await StatusAsync(slow));
    }

    [Fact]
    public async Task WorkOfSessionsThatEndedKeepsAMachineFromBeingRemovedWithoutForce()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        var session = await StartAsync("thesis");
        await TakenAsync(node, session);
        await StopAsync(session);
        var refused = await Assert.ThrowsAsync<ApiException>(() => Server.Client.RemoveNodeAsync("lab1", force: false, Ct));
        Assert.Equal(ProblemCode.Conflict, refused.Problem.Kind);
        Assert.Contains("the work of 1 session that ended: 'thesis'", refused.Message, StringComparison.Ordinal);

        Assert.Equal(1, (await Server.Client.RemoveNodeAsync("lab1", force: true, Ct)).Kept);
        Assert.Contains(await Server.Client.SessionEventsAsync(session, Ct), e => e.Text.StartsWith("Its work is on lab1, which was removed", StringComparison.Ordinal));
        Assert.Equal(("ended", "by_user"), await StatusAsync(session));
    }

    [Fact]
    public async Task MachinesThatWereRemovedAreToldSoHoweverOftenTheyAsk()
    {
        await using var one = await JoinAsync("lab1", cpu: 8);
        await using var two = await JoinAsync("lab2", cpu: 8);
        foreach (var name in new[] { "lab1", "lab2" })
            await Server.Client.RemoveNodeAsync(name, force: false, Ct);
        // Each ends itself only if it hears nothing else for two minutes.
        for (var i = 0; i < 40; i++)
        {
            await RefusedAsync(one);
            await RefusedAsync(two);
        }
    }

    [Fact]
    public async Task WithoutForceAMachineWithoutSessionsGoes()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        var removed = await Server.Client.RemoveNodeAsync("lab1", force: false, Ct);
        Assert.Equal(("lab1", 0, 0), (removed.Name, removed.Kept, removed.Running.Count));
        await RefusedAsync(node);
    }

    [Fact]
    public async Task MemoryFollowsADrainThatWasCommittedAfterWhoAskedHadGone()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        var directory = Server.Service<NodeDirectory>();
        // While a report is taken in, nobody reads the machines again.
        using var go = new ManualResetEventSlim();
        using var busy = new ManualResetEventSlim();
        var saying = Task.Run(
            () => directory.Said(node.Joined.Id, row =>
            {
                busy.Set();
                go.Wait(Ct);
                return row;
            }),
            Ct);
        busy.Wait(Ct);
        using var gone = new CancellationTokenSource();
        var draining = Task.Run(() => directory.DrainAsync(node.Joined.Id, draining: true, gone.Token), Ct);
        await Eventually.TrueAsync(async () => await Server.CountAsync("SELECT count(*) FROM nodes WHERE draining = true") == 1, "it is committed");
        await gone.CancelAsync();
        go.Set();
        await saying;
        await Record.ExceptionAsync(() => draining);
        Assert.True(Assert.Single(directory.All).Row.Draining);
    }

    [Fact]
    public async Task WhereMemoryIsBehindNothingIsPlacedOnADrainedMachineAndItIsLookedAtAgain()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        // As another server does whose word is not heard here.
        await Server.Db.ExecuteAsync("UPDATE nodes SET draining = @yes", new { yes = true }, Ct);
        var session = await StartAsync("a");
        Assert.Equal("lab1 takes nothing new", (await WaitsAsync(session, 1)).Line!.Reason);
        Assert.Empty(node.Compute.Orders);
    }

    [Fact]
    public async Task ASessionWhoseMachineIsGoneStartsOnNoOtherWithoutItsWork()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        var session = await StartAsync("a");
        await TakenAsync(node, session);
        await Server.Client.PauseSessionAsync(session, Ct);
        await Server.UntilAsync(session, "paused");
        await node.CutAsync();
        await Server.Client.ResumeSessionAsync(session, new ResumeRequest(), Ct);
        await WaitsAsync(session, 1);
        await Server.Db.ExecuteAsync("DELETE FROM nodes", null, Ct);
        await Server.Service<NodeDirectory>().ReadAsync(Ct);
        await using var other = await JoinAsync("lab2", cpu: 8);
        var next = await StartAsync("b");
        await TakenAsync(other, next);
        Assert.Contains("its work is on a machine that was removed", (await WaitsAsync(session, null)).Line!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMachineThatIsAwayIsStillKnownToBeDrainedAndOneThatIsClosedOrUnwellIsNotReady()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        Assert.Equal(1, await ReadyAsync());
        await Server.Client.DrainNodeAsync("lab1", true, Ct);
        Assert.Equal(0, await ReadyAsync());
        await node.CutAsync();
        var away = await Server.Client.GetNodeAsync("lab1", Ct);
        Assert.Equal(("away", true), (away.State, away.Draining));
        var resumed = await Server.Client.DrainNodeAsync("lab1", false, Ct);
        Assert.Equal(("away", false), (resumed.State, resumed.Draining));

        node.Facts = node.Facts with { Problem = "No engine answers." };
        await node.ConnectAsync();
        Assert.Equal(("unwell", 0), ((await Server.Client.GetNodeAsync("lab1", Ct)).State, await ReadyAsync()));

        var tomorrow = Server.Clock.GetUtcNow().AddDays(1).DayOfWeek;
        await using var closed = await FakeNode.JoinAsync(Server, "lab2", Admin, offer: new NodeOffer { Queues = ["day"], Uptime = $"{tomorrow} 10:00-11:00" });
        Assert.Equal(("closed", 0), ((await Server.Client.GetNodeAsync("lab2", Ct)).State, await ReadyAsync()));
    }

    private async Task<int> ReadyAsync() => (await Server.Client.ListQueuesAsync(Ct)).Single(q => q.Name == "day").Ready;

    private async Task<(string Status, string? Reason)> StatusAsync(string session)
    {
        var view = await ViewAsync(session);
        return (view.Berth.Status, view.Berth.Reason);
    }

    private async Task RefusedAsync(FakeNode node)
    {
        using var dialer = new ServerDialer(Server.Address, node.Token);
        await Assert.ThrowsAsync<NodeUnknownException>(() => dialer.ConnectAsync(NodeRoutes.Control, "x", Ct));
    }
}

public sealed class SqliteNodeRemovalTests : NodeRemovalTests;

public sealed class PostgresNodeRemovalTests(PostgresFixture postgres) : NodeRemovalTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
