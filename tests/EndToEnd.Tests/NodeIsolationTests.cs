using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>A machine whose node is an ordinary user, who may use the real engine and not set the firewall.</summary>
public sealed class NodeIsolationTests(LabServer server) : IClassFixture<LabServer>
{
    [Fact]
    public async Task What_an_ordinary_users_node_does_not_shut_off_is_said_at_join_and_wherever_the_machine_is_shown()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root starts programs as others.");
        await using var node = new LabNode(server, "lab1") { IsOrdinary = true, MayUseEngine = true };
        await node.JoinAsync(await server.TokenAsync(), "--ca", server.Authorities);
        await node.UntilAsync("ready");
        const string missing = "Sessions can reach this machine's own services, containers of others and the cloud's metadata service: only root may set the firewall";
        Assert.Contains($"berth-node: {missing}", node.Said, StringComparison.Ordinal);
        Assert.Contains("type as root: iptables", node.Said, StringComparison.Ordinal);

        var listed = await server.BerthAsync("node", "list");
        Assert.Contains("`berth node show lab1` says why", listed.Error, StringComparison.Ordinal);
        Assert.Contains("iptables", (await server.BerthAsync("node", "show", "lab1")).Out, StringComparison.Ordinal);
        var health = await server.Api.HealthAsync(TestContext.Current.CancellationToken);
        Assert.Contains(health.Checks, c => c is { Name: "isolation_on_machines", Ok: false } && c.Message!.StartsWith($"lab1: {missing}", StringComparison.Ordinal));
        Assert.Equal(0, (await server.BerthAsync("node", "remove", "lab1", "--force")).Code);
    }
}
