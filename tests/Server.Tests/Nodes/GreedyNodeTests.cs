using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Contracts.Nodes;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Nodes;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Sessions.Reconcile;
using Berth.Tunnel;

namespace Berth.Server.Tests.Nodes;

/// <summary>Machines that say more than anybody wants to know, say what is not so, or nothing where something is expected.</summary>
public sealed class GreedyNodeTests() : NodeTest(new NodeLimits
{
    AnswerBytes = 64 * 1024,
    Hello = TimeSpan.FromSeconds(3),
    SilentConnections = 2,
    Pause = TimeSpan.FromMilliseconds(500),
})
{
    [Fact]
    public async Task AnAnswerWithoutAnEndIsGivenUp()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        node.OnCall = async (stream, stop) =>
        {
            await using (stream)
            {
                var line = Encoding.UTF8.GetBytes($"{{\"answer\":\"seen\",\"observation\":{{\"key\":{{\"session_id\":\"{Ulid.New(TimeProvider.System)}\",\"generation\":1}},\"state\":\"Running\",\"words\":\"\"}}}}\n");
                while (!stop.IsCancellationRequested)
                    await stream.WriteAsync(line, stop);
            }
        };
        node.Compute.Plant(new SessionKey(Ulid.New(TimeProvider.System), 1)); // news, so that it is asked
        var health = Server.Service<ProviderHealth>();
        await Eventually.TrueAsync(
            () => health.All.GetValueOrDefault(NodeRow.InstancePrefix + node.Joined.Id)?.Contains("its answer is not taken: it is longer than 65536 bytes", StringComparison.Ordinal) == true,
            "it is not read to its end", TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task LongTextsAreCutBeforeTheyAreStored()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        var text = new string('x', 20_000);
        node.Compute.OnStart = (_, progress, _) =>
        {
            progress.Report(new StageReport(Stage.Pulling, text));
            throw new ProviderException(Reason.Refused, text);
        };
        var refused = await Server.UntilAsync(await StartAsync("a"), "failed");
        Assert.InRange(refused.Berth.Sentence!.Length, 100, 1000);

        node.Compute.OnStart = null;
        var session = await StartAsync("b");
        await Eventually.TrueAsync(() => node.Compute.Keys.Count == 1, "the machine has it");
        node.Compute.Show(node.Compute.Keys.Single(), seen => seen with { State = ForeignState.Exited, ExitCode = 1, Words = text, LastWords = text });
        var ended = await Server.UntilAsync(session, "failed");
        Assert.InRange(ended.Berth.Sentence!.Length, 1000, 5000);
        Assert.Equal(0, await Server.CountAsync("SELECT count(*) FROM session_events WHERE length(text) > 5000"));
    }

    [Fact]
    public async Task ReportsThatComeFasterAreTakenInOneAfterTheOther()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        var watch = Stopwatch.StartNew();
        for (var cpu = 1; cpu <= 5; cpu++)
        {
            node.Facts = node.Facts with { Cpu = cpu };
            await node.ReportAsync();
        }

        await Eventually.TrueAsync(() => Server.Service<NodeDirectory>().All[0].Row.FactsOf!.Cpu == 5, "the last one is taken in");
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(1.9), TimeSpan.FromSeconds(10));
        Assert.False(node.Ended.IsCompleted);
    }

    [Fact]
    public async Task ConnectionsThatSayNothingAreFewAndEnd()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        var silent = new List<(WebSocket Socket, ServerDialer Dialer)> { await node.BeginAsync(), await node.BeginAsync() };
        var refused = await Assert.ThrowsAsync<WebSocketException>(node.BeginAsync);
        Assert.Contains("'429'", refused.Message, StringComparison.Ordinal);
        foreach (var (socket, dialer) in silent)
        {
            await Assert.ThrowsAsync<WebSocketException>(() => socket.ReceiveAsync(new byte[100].AsMemory(), Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Ct));
            socket.Dispose();
            dialer.Dispose();
        }

        Assert.False(node.Ended.IsCompleted); // the one that said who it is goes on
        var (later, last) = await node.BeginAsync();
        later.Dispose();
        last.Dispose();
    }

    [Fact]
    public async Task MadeUpSessionsAreRemovedByAndByAndThoseThatCanBeNoneNotAtAll()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        for (var i = 0; i < 100; i++)
            node.Compute.Plant(new SessionKey(Ulid.New(TimeProvider.System), 1));
        node.Compute.Plant(new SessionKey("../../nonsense", 1));
        await Eventually.TrueAsync(() => Server.Log.Lines.Any(l => l.Contains("More than 60 things run that nobody wants", StringComparison.Ordinal)), "the others wait");
        Assert.InRange(node.Compute.Keys.Count, 41, 101);
        Assert.DoesNotContain(Server.Log.Lines, l => l.Contains("nonsense", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AUserHasSoManyMachinesOfTheirOwnAndNoMore()
    {
        var made = await Server.Client.SendJsonAsync(HttpMethod.Post, "api/data/users", new JsonObject { ["username"] = "bea" }, Ct);
        var bea = new Caller(made.GetProperty("id").GetString()!, "bea", false, CallerKind.Browser, null);
        await using var node = await FakeNode.JoinAsync(Server, "beas", bea, own: true);
        var joins = Server.Service<NodeJoins>();
        for (var i = 1; i < Server.Options.NodesPerUser; i++)
            await joins.CreateAsync(bea, new NodeTokenRequest(Own: true), Ct);
        var refused = await Assert.ThrowsAsync<Berth.Server.Problems.ProblemException>(() => joins.CreateAsync(bea, new NodeTokenRequest(Own: true), Ct));
        Assert.Contains("nodes_per_user", refused.Message, StringComparison.Ordinal);
        await joins.CreateAsync(Admin, new NodeTokenRequest(Own: true), Ct);
        await joins.CreateAsync(Admin, new NodeTokenRequest(), Ct);
    }
}
