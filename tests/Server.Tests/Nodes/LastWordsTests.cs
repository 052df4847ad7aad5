using System.Net.WebSockets;
using System.Text;
using Berth.Fakes;
using Berth.Providers.Nodes;
using Berth.Server.Nodes;

namespace Berth.Server.Tests.Nodes;

/// <summary>What is told of a machine that is away, and of first words that are not whole.</summary>
public sealed class LastWordsTests() : NodeTest(new NodeLimits { Pause = TimeSpan.FromMilliseconds(1) }, pingEvery: TimeSpan.FromSeconds(0.5))
{
    [Fact]
    public async Task OfAMachineThatAnswersNoMorePingsThatIsSaid()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        await node.CutAsync();
        var (socket, dialer) = await node.BeginAsync();
        using var _ = socket;
        using var __ = dialer;
        await node.GreetAsync(socket); // and reads nothing from now on: pongs are of who reads
        await Eventually.TrueAsync(() => Entry.IsConnected, "it is there");
        await AwayAsync("it stopped answering");
    }

    [Fact]
    public async Task OfAMachineThatIsCutOffThatIsSaid()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        // How a reset shows is a matter of moments.
        for (var i = 0; i < 20; i++)
        {
            await node.CutAsync();
            await AwayAsync("its connection was closed, there or on the way");
            await node.ConnectAsync();
        }
    }

    [Fact]
    public async Task OfAMachineThatSaysNonsenseThatIsSaid()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        await node.SayAsync("""{"type":"report","facts":5}""");
        await AwayAsync("it said what this server cannot read");
    }

    [Theory]
    [InlineData("""{"type":"hello"}""", false)]
    [InlineData("""{"type":"hello","version":"1","offer":{},"facts":null}""", false)]
    [InlineData("""{"type":"hello","version":"1","offer":{},"facts":{"gpus":null}}""", false)]
    [InlineData("""{"type":"hello","version":"1","offer":{"queues":[null]},"facts":{}}""", false)]
    [InlineData("""{"type":"hello","version":"1","offer":{"labels":null},"facts":{}}""", false)]
    [InlineData("""{"type":"hello","version":"1","offer":{"labels":{"a":null}},"facts":{"gpus":[null,{"index":1},{"index":2,"id":"GPU-2","name":"A"}]}}""", true)]
    public async Task FirstWordsThatAreNotWholeLeaveNothingBehind(string words, bool comesIn)
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        await node.CutAsync();
        // More of them than may wait at the door: none keeps its place.
        for (var i = 0; i < 2 * new NodeLimits().SilentConnections; i++)
        {
            var (socket, dialer) = await node.BeginAsync();
            using var _ = socket;
            using var __ = dialer;
            await socket.SendAsync(Encoding.UTF8.GetBytes(words), WebSocketMessageType.Text, true, Ct);
            if (comesIn)
            {
                await Eventually.TrueAsync(() => Entry.IsConnected, "it comes in");
                Assert.Equal("GPU-2", Assert.Single(Entry.Row.FactsOf!.Gpus).Id);
                socket.Abort();
            }
            else
            {
                await Assert.ThrowsAnyAsync<WebSocketException>(async () =>
                {
                    if ((await socket.ReceiveAsync(new byte[64], Ct)).MessageType == WebSocketMessageType.Close)
                        throw new WebSocketException("It was told why.");
                });
            }

            await Eventually.TrueAsync(() => !Entry.IsConnected, "it is gone");
        }

        await node.ConnectAsync();
        Assert.DoesNotContain(Server.Log.Lines, l => l.Contains("unhandled", StringComparison.OrdinalIgnoreCase));
    }

    private NodeEntry Entry => Server.Service<NodeDirectory>().All.Single();

    private async Task AwayAsync(string why)
    {
        await Eventually.TrueAsync(() => !Entry.IsConnected, "it is missed", TimeSpan.FromSeconds(30));
        Server.Clock.Move(TimeSpan.FromMinutes(1));
        Assert.Matches($@"^lab1 has not been heard of since \S+ \S+ UTC: {why}[^.]*\.$", Entry.Link.Absence?.Words);
    }
}
