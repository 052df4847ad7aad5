using Berth.Contracts.Nodes;
using Berth.Contracts.Sessions;
using Berth.Fakes;

namespace Berth.Server.Tests.Nodes;

/// <summary>Machines that are lost with sessions on them that are on their way, and that come back with sessions that nobody wants.</summary>
public sealed class LostNodeTests : NodeTest
{
    [Fact]
    public async Task AStartThatWasOnItsWayToALostMachineFailsAndIsFoundWhenItComesBack()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        var heard = new TaskCompletionSource();
        node.Compute.OnStart = async (_, _, ct) =>
        {
            heard.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        };
        var session = await StartAsync();
        await heard.Task.WaitAsync(Ct);
        await node.CutAsync();
        Server.Clock.Move(Server.Options.NodeGrace + TimeSpan.FromMinutes(1));
        SessionView? lost = null;
        await Eventually.TrueAsync(
            async () => (lost = await Server.Client.GetSessionAsync(session, Ct)).Berth is { Status: "failed", Reason: "node_lost" }, () => $"it is lost, it is {lost?.Berth.Status}: {lost?.Berth.Sentence}", TimeSpan.FromSeconds(60));
        Assert.Contains("start --instead-of", lost!.Berth.NextStep, StringComparison.Ordinal);
        await Server.Client.StopSessionAsync(session, deleteWork: false, Ct);
        await Server.UntilAsync(session, "ended");
    }

    [Fact]
    public async Task AGpuOfAMachineThatComesBackIsUsedOnceWhatNobodyWantsAnyMoreIsGone()
    {
        var facts = new NodeFacts { Engine = "Docker 1", Cpu = 8, MemoryBytes = 64L << 30, DiskFreeBytes = 1L << 40, Gpus = [new(0, "GPU-a", "A", 1000, Busy: false)] };
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin, facts: facts);
        var first = await StartWithGpuAsync("a");
        await Eventually.TrueAsync(() => node.Compute.Keys.Count == 1, "the machine has it");
        await using (await AgentAsync(Server, first))
            await Server.UntilAsync(first, "running");
        await node.CutAsync();
        Server.Clock.Move(Server.Options.NodeGrace + TimeSpan.FromMinutes(1));
        await Server.UntilAsync(first, "failed");
        await Server.Client.StopSessionAsync(first, deleteWork: false, Ct);
        await Server.UntilAsync(first, "ended");
        var second = await StartWithGpuAsync("b");

        var beside = new TaskCompletionSource<int>();
        node.Compute.OnStart = (_, _, _) =>
        {
            beside.TrySetResult(node.Compute.Keys.Count);
            return Task.CompletedTask;
        };
        await node.ConnectAsync();
        Assert.Equal(0, await beside.Task.WaitAsync(TimeSpan.FromSeconds(30), Ct));
        await Eventually.TrueAsync(() => node.Compute.Keys.Any(k => k.SessionId == second), "it is started");
    }

    private async Task<string> StartWithGpuAsync(string name) =>
        (await Server.Client.StartSessionAsync(new StartRequest(Image: $"image-{name}", Name: name, PoolName: Pool) { Gpu = "1" }, Ct)).Session.Id;
}
