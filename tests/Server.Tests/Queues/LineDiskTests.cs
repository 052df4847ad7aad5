using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Sessions;
using Berth.Server.Tests.Nodes;
using Berth.Server.Tests.Storage;

namespace Berth.Server.Tests.Queues;

/// <summary>What of a machine's disk is promised, to whom, and what of it is written already.</summary>
public abstract class LineDiskTests : LineTest
{
    [Fact]
    public async Task SpaceIsPromisedOnceThoughNothingOfItIsWrittenYet()
    {
        await using var node = await JoinAsync("lab1", cpu: 64, disk: 20);
        var (a, b) = (await StartAsync(8, "a"), await StartAsync(8, "b"));
        await TakenAsync(node, a, b);
        var c = await StartAsync(8, "c");
        Assert.Equal("needs 8 GiB of disk, 4 GiB free on lab1", (await WaitsAsync(c, 1)).Line!.Reason);
        var shown = await Server.Client.GetNodeAsync("lab1", Ct);
        Assert.Equal((20, 20, 4), (shown.Measured!.DiskGb, shown.Offered!.DiskGb, shown.Free!.DiskGb));

        // Who has written what was promised has it: the disk is fuller, and no more is promised than before.
        await WriteAsync(node, a, 8, free: 12);
        shown = await Server.Client.GetNodeAsync("lab1", Ct);
        Assert.Equal((20, 4), (shown.Offered!.DiskGb, shown.Free!.DiskGb));
        Assert.Equal(new[] { a, b }.Order(), node.Compute.Orders.Select(o => o.Key.SessionId).Order()); // both were given at once

        await Server.Client.StopSessionAsync(b, deleteWork: true, Ct);
        await TakenAsync(node, a, c);
    }

    [Fact]
    public async Task APausedSessionIsTakenAgainWhereOnlyWhatItHasNotWrittenYetIsFree()
    {
        await using var node = await JoinAsync("lab1", cpu: 2, disk: 10);
        var a = await PausedAsync(node, 6);
        node.Facts = node.Facts with { DiskFreeBytes = 4L << 30 };
        await node.ReportAsync();
        await Server.Client.ResumeSessionAsync(a, new ResumeRequest(), Ct);
        Assert.Equal("its work is on lab1: needs 6 GiB of disk, 4 GiB free on lab1", (await WaitsAsync(a, 1)).Line!.Reason);

        // Its workspace is counted a while after the pause; nothing else happens.
        await SaveSizeAsync(node, a, 5);
        await TakenAsync(node, a);
    }

    [Fact]
    public async Task WhoGoesOnFromTheWorkOfAnotherNeedsOnlyWhatIsNotWrittenYet()
    {
        await using var node = await JoinAsync("lab1", cpu: 2, disk: 10);
        var a = await StartAsync(6, "a");
        await TakenAsync(node, a);
        await WriteAsync(node, a, 5, free: 5);
        await StopAsync(a);
        var (next, _) = await Server.Client.StartSessionAsync(new StartRequest(Continue: a, PoolName: Pool, DiskGb: 6), Ct);
        await TakenAsync(node, next.Id);
    }

    [Fact]
    public async Task KeptWorkCountsAgainstWhatTheMachineWasToldToOffer()
    {
        await using var node = await FakeNode.JoinAsync(
            Server, "lab1", Admin, offer: new() { Queues = ["day"], DiskBytes = 10L << 30 },
            facts: new() { Engine = "Docker 1", Cpu = 2, MemoryBytes = 64L << 30, DiskFreeBytes = 1L << 40 });
        var a = await PausedAsync(node, 6);
        await SaveSizeAsync(node, a, 5);
        var b = await StartAsync(6, "b");
        Assert.Equal("needs 6 GiB of disk, 5 GiB free on lab1", (await WaitsAsync(b, 1)).Line!.Reason);
        await Server.Client.StopSessionAsync(a, deleteWork: true, Ct);
        await TakenAsync(node, b);
    }

    private async Task<string> StartAsync(int disk, string name) =>
        (await Server.Client.StartSessionAsync(Request(name) with { DiskGb = disk }, Ct)).Session.Id;

    private async Task<string> PausedAsync(FakeNode node, int disk)
    {
        var session = await StartAsync(disk, "a");
        await TakenAsync(node, session);
        await using (await AgentAsync(session))
            await Server.UntilAsync(session, "running");
        await Server.Client.PauseSessionAsync(session, Ct);
        await Server.UntilAsync(session, "paused");
        return session;
    }

    private async Task WriteAsync(FakeNode node, string session, long written, long free)
    {
        node.Facts = node.Facts with { DiskFreeBytes = free << 30 };
        await node.ReportAsync();
        await Eventually.TrueAsync(
            async () => (await Server.Client.GetNodeAsync("lab1", Ct)).Measured!.DiskGb == free, "the report is in");
        await SaveSizeAsync(node, session, written);
    }

    // As the meter of its loop does, whose time of counting no test waits for.
    private Task SaveSizeAsync(FakeNode node, string session, long written) => Server.Service<SessionStore>().SaveSizesAsync(
        "node:" + node.Joined.Id, new Dictionary<string, long> { [session] = written << 30 }, Server.Clock.GetUtcNow(), Ct);
}

public sealed class SqliteLineDiskTests : LineDiskTests;

public sealed class PostgresLineDiskTests(PostgresFixture postgres) : LineDiskTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
