using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;
using Microsoft.Data.Sqlite;

namespace Berth.EndToEnd.Tests;

/// <summary>Sessions that wait for machines: the programs as they are published, real nodes of one core each on the real engine.</summary>
public sealed class LineTests(LabServer server) : IClassFixture<LabServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_third_session_waits_for_two_machines_of_one_core_and_outlives_the_death_of_the_server()
    {
        await using var image = await SmallImage.MakeAsync();
        await MakePoolAsync("One core each", "wide");
        await using var one = await JoinAsync("w1", "wide");
        await using var two = await JoinAsync("w2", "wide");
        var first = await server.StartSessionAsync(Request(image, "first", "One core each"));
        var second = await server.StartSessionAsync(Request(image, "second", "One core each"));
        var (there, other) = (await Engine.ContainersOfAsync(one.Installation, first.Id)) is [_] ? (one, two) : (two, one);
        Assert.Single(await Engine.ContainersOfAsync(other.Installation, second.Id));

        var third = server.BerthAsync(["start", "--image", image.Name, "--pool", "One core each", "--name", "third", "--port", "8000", "--", .. SmallImage.WebServer]);
        await Eventually.TrueAsync(async () => (await server.Api.ListSessionsAsync(Ct)).Any(s => s.Name == "third"), "it is asked for", Patience);
        await WaitsAsync("third", 1);
        await server.Api.StartSessionAsync(Request(image, "fourth", "One core each"), Ct);
        var waits = await WaitsAsync("fourth", 2);
        Assert.Matches("^needs 1 core, 0 free on w[12]$", waits.Line!.Reason);
        Assert.Contains("launching (queued, 2nd of 2)", (await server.BerthAsync("list")).Line, StringComparison.Ordinal);
        Assert.Matches("wide +One core each +2 +2 +2 of 2", (await server.BerthAsync("queue", "list")).Line);

        await server.KillAsync();
        await server.StartAsync();
        await one.UntilAsync("ready");
        await two.UntilAsync("ready");
        await WaitsAsync("fourth", 2);

        // What is drained gives its room to nobody.
        Assert.Equal(0, (await server.BerthAsync("node", "drain", there.Name)).Code);
        await server.Api.StopSessionAsync(first.Id, deleteWork: true, Ct);
        await server.UntilAsync(first.Id, s => s.Berth.Status == "ended", "the first ends");
        Assert.Equal($"needs 1 core, 0 free on {other.Name}", (await WaitsAsync("third", 1)).Line!.Reason);
        Assert.Equal(0, (await server.BerthAsync("node", "resume", there.Name)).Code);
        var ran = await third.WaitAsync(Patience, Ct);
        Assert.True(ran.Code == 0, ran.Error);
        Assert.Contains("Queued …  1st of 1 in the queue 'wide': needs 1 core, 0 free on", ran.Error, StringComparison.Ordinal);
        var started = await server.Api.GetSessionAsync("third", Ct);
        Assert.Equal(("running", 1), (started.Berth.Status, started.Berth.Generation));
        Assert.Single(await Engine.ContainersOfAsync(there.Installation, started.Id));
        await WaitsAsync("fourth", 1);

        Assert.Equal("ended", (await server.Api.StopSessionAsync("fourth", deleteWork: false, Ct)).Berth.Status);
        await RemoveAsync(one, two);
    }

    // Those that ended, a second after they began, as if they had begun an hour before.
    private void LetHaveRunForAnHour()
    {
        using var database = new SqliteConnection($"Data Source={Path.Combine(server.DataFolder, "berth.db")};Pooling=False");
        database.Open();
        using var command = database.CreateCommand();
        command.CommandText = "UPDATE sessions SET generation_since = generation_since - 3600000, starting_since = starting_since - 3600000 WHERE status = 'ended' AND line IS NOT NULL";
        Assert.InRange(command.ExecuteNonQuery(), 5, int.MaxValue);
    }

    [Fact]
    public async Task An_estimate_is_shown_once_there_is_something_to_go_by()
    {
        await using var image = await SmallImage.MakeAsync();
        await MakePoolAsync("Estimated", "guess");
        await using var node = await JoinAsync("g1", "guess");
        for (var i = 0; i < 5; i++)
        {
            var before = await server.StartSessionAsync(Request(image, $"before{i}", "Estimated"));
            await server.RemoveAsync(before.Id);
        }

        await server.StartSessionAsync(Request(image, "runs", "Estimated"));
        await server.KillAsync(); // what went before is read anew
        LetHaveRunForAnHour();
        await server.StartAsync();
        await node.UntilAsync("ready");
        await server.Api.StartSessionAsync(Request(image, "waits", "Estimated"), Ct);
        var waits = await server.UntilAsync("waits", s => s.Berth.Line?.Reason is not null, "it waits");
        Assert.Equal("durations", waits.Berth.Line!.EstimateFrom);
        var now = TimeProvider.System.GetUtcNow();
        Assert.InRange(waits.Berth.Line.Estimate!.Value, now.AddMinutes(50), now.AddMinutes(61));
        Assert.Matches(@"; may start at about (\w{3} )?\d\d:\d\d UTC", (await server.BerthAsync("show", "waits")).Line);
        await server.Api.StopSessionAsync("waits", deleteWork: true, Ct);
        await RemoveAsync(node);
    }

    [Fact]
    public async Task A_server_killed_as_it_gives_a_machine_or_takes_a_start_back_doubles_nothing_and_loses_nothing()
    {
        await using var image = await SmallImage.MakeAsync();
        await MakePoolAsync("Mortal", "mortal");
        // A gpu that its engine cannot give: the machine seems to have more than it has.
        await using var node = await JoinAsync("m1", "mortal", n => n.PlugInGpusAsync("0, GPU-11111111-aaaa-bbbb-cccc-000000000001, NVIDIA A100, 40960, 3, 0", ""));
        foreach (var point in new[] { "Commit.Placed.before", "Commit.Placed.after" })
        {
            await server.DieAsync(point, () => AskAsync(Request(image, "placed", "Mortal")));
            var running = await server.UntilAsync("placed", s => s.Berth.Status == "running", $"it runs after {point}", Patience);
            // Where the machine is slow to come back to the new server, the start has gone back in line meanwhile.
            Assert.InRange(running.Berth.Generation, 1, 2);
            Assert.Single(await Engine.ContainersAsync(node.Installation));
            await server.RemoveAsync(running.Id);
            await EmptyAsync(node);
        }

        foreach (var point in new[] { "Commit.BackInLine.before", "Commit.BackInLine.after" })
        {
            await server.DieAsync(point, () => AskAsync(Request(image, "back", "Mortal") with { Gpu = "1" }));
            await node.UntilAsync("ready");
            var back = await server.UntilAsync("back", s => s.Berth.Line?.Reason?.StartsWith("m1 did not take it (There is no such gpu", StringComparison.Ordinal) == true, $"it waits after {point}", Patience);
            Assert.Equal(2, back.Berth.Generation);
            await EmptyAsync(node);
            await server.Api.StopSessionAsync(back.Id, deleteWork: false, Ct);
        }

        await RemoveAsync(node);
    }

    private async Task AskAsync(StartRequest request)
    {
        try
        {
            await server.Api.StartSessionAsync(request, Ct);
        }
        catch (Exception e) when (e is Contracts.Client.ServerUnreachableException or HttpRequestException or IOException)
        {
            // It died before it could answer; the start was committed before that.
        }
    }

    private static Task EmptyAsync(LabNode node) => Eventually.TrueAsync(
        async () => (await Engine.ContainersAsync(node.Installation)).Length == 0 && (await Engine.VolumesAsync(node.Installation)).Length == 0, "nothing is left there", Patience);

    private async Task MakePoolAsync(string name, string queue)
    {
        var made = await server.BerthAsync("pool", "create", name, "--public", "--kind", "nodes", "--queue", queue, "--cpu", "1", "--memory", "256M", "--max-storage", "1G");
        Assert.True(made.Code == 0, made.Error);
    }

    private async Task<LabNode> JoinAsync(string name, string queue, Func<LabNode, Task>? before = null)
    {
        var node = new LabNode(server, name);
        await (before?.Invoke(node) ?? Task.CompletedTask);
        await node.JoinAsync(await server.TokenAsync(), "--ca", server.Authorities, "--cpus", "1", "--queue", queue);
        await node.UntilAsync("ready");
        return node;
    }

    private async Task<SessionExtra> WaitsAsync(string session, int position) =>
        (await server.UntilAsync(session, s => s.Berth.Line is { Reason: not null } line && line.Position == position, $"{session} waits at {position}", Patience)).Berth;

    private async Task RemoveAsync(params LabNode[] nodes)
    {
        foreach (var node in nodes)
        {
            var removed = await server.BerthAsync("node", "remove", node.Name, "--force", "-y");
            Assert.True(removed.Code == 0, removed.Error);
        }
    }

    private static StartRequest Request(SmallImage image, string name, string pool) =>
        new(Image: image.Name, Name: name, Port: 8000, Args: SmallImage.WebServer, PoolName: pool);
}
