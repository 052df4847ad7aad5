using Berth.Contracts.Nodes;
using Berth.Contracts.Sessions;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Nodes;
using Berth.Server.Queues;
using Berth.Server.Tests.Storage;

namespace Berth.Server.Tests.Queues;

/// <summary>What machines take out of the line, what they give back, and what of them is known.</summary>
public abstract class LineMachineTests : LineTest
{
    [Fact]
    public async Task WhatAMachineDoesNotTakeGoesBackToItsPlaceAndElsewhere()
    {
        // It says it has more than its engine gives.
        await using var liar = await JoinAsync("lab1", cpu: 2);
        liar.Compute.OnStart = (_, _, _) => throw new ProviderException(Reason.NoCapacity, "2 cores, and lab1 has 1.");
        var session = await StartAsync("a");
        var waits = await WaitsAsync(session, 1);
        Assert.Matches(@"^lab1 did not take it \(The machine has not got what it asks for: 2 cores, and lab1 has 1\); it is asked again at .* UTC$", waits.Line!.Reason);
        Assert.Empty(liar.Compute.Workspaces);

        await using var honest = await JoinAsync("lab2", cpu: 2);
        await TakenAsync(honest, session);
        var history = await Server.Client.SessionEventsAsync(session, Ct);
        Assert.Single(history, e => e.Text.StartsWith("Back in line, at its old place.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AMachineIsAskedThreeTimesForOneStartAndRestsWhenItTakesNothingOfThreeThatAreNotAllOnePersons()
    {
        await using var broken = await JoinAsync("lab1", cpu: 64);
        var asked = 0;
        broken.Compute.OnStart = (_, _, _) =>
        {
            Interlocked.Increment(ref asked);
            throw new ProviderException(Reason.DiskFull, "no space left on device");
        };
        var first = await StartAsync("a");
        for (var times = 1; times <= 3; times++)
        {
            await Eventually.TrueAsync(() => Volatile.Read(ref asked) == times, $"it is asked {times} times");
            await WaitsAsync(first, 1);
            Server.Clock.Move(TimeSpan.FromMinutes(30));
            Server.Service<Rounds>().Ask();
        }

        await Eventually.TrueAsync(async () => (await ViewAsync(first)).Berth.Line?.Reason?.EndsWith("it is not asked again for this start", StringComparison.Ordinal) == true, "it is not asked any more");
        Assert.Equal(3, asked);
        foreach (var name in new[] { "b", "c", "d" })
            await WaitsAsync(await StartAsync(name), null, any: true);
        await Eventually.TrueAsync(() => Volatile.Read(ref asked) == 6, "three more find out");
        using var bea = await UserAsync("bea");
        var beas = (await bea.StartSessionAsync(Request("e"), Ct)).Session.Id;
        await Eventually.TrueAsync(
            async () => (await bea.GetSessionAsync(beas, Ct)).Berth is { Generation: 2, Line.Reason: not null }, "they were all one person's: another's finds out, and is back in line");
        var late = await StartAsync("late");
        await Eventually.TrueAsync(async () => (await ViewAsync(late)).Berth.Line?.Reason?.StartsWith("lab1 took none of its last sessions", StringComparison.Ordinal) == true, "it rests");
        Assert.Equal(7, asked);
    }

    [Fact]
    public async Task AMachineThatGivesNoGpusGoesOnTakingSessionsWithout()
    {
        await using var node = await JoinAsync("lab1", cpu: 64, gpus: [.. Enumerable.Range(0, 4).Select(i => new NodeGpu(i, $"GPU-{i}", "A100", 1000, Busy: false))]);
        var asked = 0;
        node.Compute.OnStart = (order, _, _) =>
        {
            if (!order.Spec.Resources.Gpu.Wanted)
                return Task.CompletedTask;
            Interlocked.Increment(ref asked);
            throw new ProviderException(Reason.NoGpu, "the engine has no gpu to give.");
        };
        using var bea = await UserAsync("bea");
        foreach (var (owner, name) in new[] { (Server.Client, "a"), (Server.Client, "b"), (bea, "c") })
            await owner.StartSessionAsync(Request(name) with { Gpu = "1" }, Ct);
        await Eventually.TrueAsync(() => Volatile.Read(ref asked) == 3, "they find out");
        await TakenAsync(node, await StartAsync("without"));
    }

    [Fact]
    public async Task AStartOfWhichItIsNotKnownWhetherItRunsGoesNowhereElse()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        var heard = new TaskCompletionSource();
        node.Compute.OnStart = async (_, _, ct) =>
        {
            heard.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        };
        var session = await StartAsync("a");
        await heard.Task.WaitAsync(Ct);
        await using var other = await JoinAsync("lab2", cpu: 2);
        await node.CutAsync();
        await Eventually.TrueAsync(async () => (await ViewAsync(session)).Berth.Reason == "node_away", "nothing is known of it", TimeSpan.FromSeconds(40));
        Assert.Empty(other.Compute.Orders);
        node.Compute.OnStart = null;
        await node.ConnectAsync();
        await TakenAsync(node, session);
        Assert.Empty(other.Compute.Orders);
        Assert.Equal(1, (await ViewAsync(session)).Berth.Generation);
    }

    [Fact]
    public async Task AMachineThatHasCertainlyNotHeardOfAStartDoesNotKeepIt()
    {
        await using var deaf = await JoinAsync("lab1", cpu: 2);
        await deaf.CutAsync();
        deaf.Deaf = true;
        await deaf.ConnectAsync();
        var session = await StartAsync("a");
        await Eventually.TrueAsync(
            async () => (await ViewAsync(session)).Berth.Line?.Reason?.Contains("lab1: it has not answered for 15 s", StringComparison.Ordinal) == true,
            "it is back in line", TimeSpan.FromSeconds(40));
        await using var other = await JoinAsync("lab2", cpu: 2);
        await TakenAsync(other, session);
    }

    [Fact]
    public async Task AMachineThatIsDrainedOrAwayTakesNobodyOutOfLineUntilItIsBack()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        await Server.Client.DrainNodeAsync("lab1", true, Ct);
        var session = await StartAsync("a");
        Assert.Equal("lab1 takes nothing new", (await WaitsAsync(session, 1)).Line!.Reason);
        await node.CutAsync();
        await Eventually.TrueAsync(async () => (await ViewAsync(session)).Berth.Line?.Reason?.StartsWith("lab1 has not been heard of since", StringComparison.Ordinal) == true, "the reason follows");
        await Server.Client.DrainNodeAsync("lab1", false, Ct);
        Assert.Empty(node.Compute.Orders);
        await node.ConnectAsync();
        await TakenAsync(node, session);
    }

    [Fact]
    public async Task AGpuThatSomebodyElseUsesIsGivenOnceItIsFree()
    {
        var busy = new NodeGpu(0, "GPU-a", "A100", 1000, Busy: true);
        await using var node = await JoinAsync("lab1", cpu: 8, gpus: [busy]);
        var (session, _) = await Server.Client.StartSessionAsync(Request("a") with { Gpu = "1" }, Ct);
        Assert.Equal("needs 1 gpu, 0 free on lab1 (1 not Berth's to give)", (await WaitsAsync(session.Id, 1)).Line!.Reason);
        node.Facts = node.Facts with { Gpus = [busy with { Busy = false }] };
        await node.ReportAsync();
        await TakenAsync(node, session.Id);
        Assert.Equal(["GPU-a"], Assert.Single(node.Compute.Orders).Spec.Resources.Gpu.Ids);
    }

    [Fact]
    public async Task GpusThatCannotBeToldAreThoseOfBeforeAndNobodysUntilTheyCan()
    {
        const string Broken = "Which gpus it has cannot be told: nvidia-smi has not answered for 10 s.";
        var free = new NodeGpu(0, "GPU-a", "A100", 1000, Busy: false);
        await using var node = await JoinAsync("lab1", cpu: 8, gpus: [free]);
        var facts = node.Facts;
        node.Facts = facts with { Gpus = [], GpusUnknown = true, GpuProblem = Broken };
        await node.ReportAsync();
        await Eventually.TrueAsync(async () => (await Server.Client.GetNodeAsync("lab1", Ct)).Problem == Broken, "what is wrong is told");
        var shown = await Server.Client.GetNodeAsync("lab1", Ct);
        Assert.Equal(("ready", 1, 0), (shown.State, shown.Offered!.Gpus, shown.Free!.Gpus));

        var (session, _) = await Server.Client.StartSessionAsync(Request("a") with { Gpu = "1" }, Ct);
        Assert.Equal("needs 1 gpu, 0 free on lab1 (1 not Berth's to give)", (await WaitsAsync(session.Id, 1)).Line!.Reason);
        var other = await StartAsync("without");
        await TakenAsync(node, other);
        await node.CutAsync();
        await node.ConnectAsync();
        Assert.Equal(1, (await Server.Client.GetNodeAsync("lab1", Ct)).Offered!.Gpus);
        node.Facts = facts;
        await node.ReportAsync();
        await TakenAsync(node, other, session.Id);
    }

    [Fact]
    public async Task WhoWantsAGpuWaitsForAMachineThatHasNeverToldItsOwn()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        var facts = node.Facts;
        node.Facts = facts with { GpusUnknown = true, GpuProblem = "Which gpus it has cannot be told: nvidia-smi fails." };
        await node.ReportAsync();
        await Eventually.TrueAsync(async () => (await Server.Client.GetNodeAsync("lab1", Ct)).Problem is not null, "what is wrong is told");
        var (session, _) = await Server.Client.StartSessionAsync(Request("a") with { Gpu = "1" }, Ct);
        await WaitsAsync(session.Id, null);
        node.Facts = facts with { Gpus = [new NodeGpu(0, "GPU-a", "A100", 1000, Busy: false)] };
        await node.ReportAsync();
        await TakenAsync(node, session.Id);
    }

    [Fact]
    public async Task APausedSessionWaitsForTheMachineThatHasItsWork()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        var a = await StartAsync("a");
        await TakenAsync(node, a);
        await using (await AgentAsync(a))
            await Server.UntilAsync(a, "running");
        await Server.Client.PauseSessionAsync(a, Ct);
        await Server.UntilAsync(a, "paused");
        var b = await StartAsync("b");
        await TakenAsync(node, b);
        await using var other = await JoinAsync("lab2", cpu: 2);
        await Server.Client.ResumeSessionAsync(a, new ResumeRequest(), Ct);
        Assert.Equal("its work is on lab1: needs 2 cores, 0 free on lab1", (await WaitsAsync(a, 1)).Line!.Reason);
        Assert.Empty(other.Compute.Orders);
        await StopAsync(b);
        await TakenAsync(node, a);
        Assert.Equal(2, node.Compute.Keys.Single().Generation);
    }

    [Fact]
    public async Task AReportThatSaysNothingNewIsKeptAndTellsNobody()
    {
        await using var node = await JoinAsync("lab1", cpu: 2);
        var directory = Server.Service<NodeDirectory>();
        var changes = 0;
        directory.Changed += () => Interlocked.Increment(ref changes);
        Server.Clock.Move(TimeSpan.FromMinutes(1));
        var seen = directory.All[0].Row.LastSeen;
        node.Facts = node.Facts with { MemoryFreeBytes = 1, DiskFreeBytes = node.Facts.DiskFreeBytes - 1000 };
        await node.ReportAsync();
        await Eventually.TrueAsync(() => directory.All[0].Row.LastSeen > seen, "it is taken in");
        await Eventually.TrueAsync(async () => await Server.CountAsync("SELECT last_seen FROM nodes") == directory.All[0].Row.LastSeen, "it is saved");
        Assert.Equal(0, changes);
        node.Facts = node.Facts with { Cpu = 4 };
        await node.ReportAsync();
        await Eventually.TrueAsync(() => changes == 1, "more cores are news");
    }
}

public sealed class SqliteLineMachineTests : LineMachineTests;

public sealed class PostgresLineMachineTests(PostgresFixture postgres) : LineMachineTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
