using System.Globalization;
using Berth.Contracts.Nodes;
using Berth.Fakes;
using Berth.Server.Queues;
using Berth.Server.Tests.Nodes;
using Berth.Server.Tests.Storage;

namespace Berth.Server.Tests.Queues;

/// <summary>When machines take from which of their queues, as they were told when they joined.</summary>
public abstract class LineTurnTests : LineTest
{
    [Fact]
    public async Task AFairMachineWithRoomForOneTakesFromItsQueuesInTurnAlsoAfterARestart()
    {
        await using var node = await JoinAsync(new NodeOffer { Queues = ["day", "night"], Fair = true });
        var first = await StartAsync("a", "day");
        await TakenAsync(node, first);
        string[] day = [await StartAsync("b", "day"), await StartAsync("c", "day")];
        string[] night = [await StartAsync("d", "night"), await StartAsync("e", "night")];
        await WaitsAsync(night[1], 2);

        await DeletedAsync(first);
        await TakenAsync(node, night[0]);
        await DeletedAsync(night[0]);
        await TakenAsync(node, day[0]);
        await node.CutAsync();
        await Server.RestartAsync();
        await node.ConnectAsync();
        await DeletedAsync(day[0]);
        await TakenAsync(node, night[1]);
        await DeletedAsync(night[1]);
        await TakenAsync(node, day[1]);
        Assert.True((await Server.Client.GetNodeAsync("lab1", Ct)).Fair);
    }

    [Fact]
    public async Task AMachineOutsideItsUptimeWindowTakesNobodyAndWhatRunsAtItsEndGoesOn()
    {
        var opens = Server.Clock.GetUtcNow().AddHours(2);
        var closes = opens.AddHours(3);
        await using var node = await JoinAsync(new NodeOffer { Queues = ["day"], Uptime = $"{Clock(opens)}-{Clock(closes)}", TimeZone = "UTC" });
        Assert.Equal("closed", (await Server.Client.GetNodeAsync("lab1", Ct)).State);
        var a = await StartAsync("a");
        var told = (await WaitsAsync(a, 1)).Line!.Reason!;
        Assert.StartsWith("lab1 opens at ", told, StringComparison.Ordinal);
        Assert.EndsWith($"{Clock(opens)} UTC", told, StringComparison.Ordinal);

        Pass(TimeSpan.FromHours(2.5));
        await TakenAsync(node, a);
        Assert.Contains(
            await Server.Client.SessionEventsAsync(a, Ct), e => e.Kind == "placed" && e.Text.EndsWith($"lab1 closes at {closes:yyyy-MM-dd} {Clock(closes)} UTC.", StringComparison.Ordinal));
        var b = await StartAsync("b");
        await WaitsAsync(b, 1);

        Pass(TimeSpan.FromHours(3));
        await DeletedAsync(a);
        await Eventually.TrueAsync(
            async () => (await ViewAsync(b)).Berth.Line?.Reason?.StartsWith("lab1 opens at ", StringComparison.Ordinal) == true, "it is closed for those who wait");
        Assert.DoesNotContain(node.Compute.Orders, o => o.Key.SessionId == b);
        Pass(TimeSpan.FromHours(21));
        await TakenAsync(node, b);
    }

    private Task<FakeNode> JoinAsync(NodeOffer offer) => FakeNode.JoinAsync(
        Server, "lab1", Admin, offer: offer, facts: new() { Engine = "Docker 1", Cpu = 2, MemoryBytes = 64L << 30, DiskFreeBytes = 1L << 40 });

    private async Task DeletedAsync(string session)
    {
        await Server.Client.StopSessionAsync(session, deleteWork: true, Ct);
        await Server.UntilAsync(session, "ended");
    }

    // A clock that jumps rings no timer: what the round's own would do then.
    private void Pass(TimeSpan time)
    {
        Server.Clock.Move(time);
        Server.Service<Rounds>().Ask();
    }

    private static string Clock(DateTimeOffset at) => at.ToString("HH:mm", CultureInfo.InvariantCulture);
}

public sealed class SqliteLineTurnTests : LineTurnTests;

public sealed class PostgresLineTurnTests(PostgresFixture postgres) : LineTurnTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
