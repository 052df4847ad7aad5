using Berth.Contracts.Nodes;
using Berth.Fakes;
using Berth.Server.Auth;
using Berth.Server.Tests.Web;

namespace Berth.Server.Tests.Nodes;

/// <summary>A machine that does not shut its sessions off says so, and everybody whom it concerns is told.</summary>
public sealed class NodeIsolationTests : NodeTest
{
    private const string Missing = "Sessions can reach services of the machine: only root may set the firewall.";

    [Fact]
    public async Task AMachineForPoolsThatDoesNotShutSessionsOffIsToldInListPageAndHealthUntilItDoes()
    {
        await using var node = await JoinAsync("lab1", own: false);
        Assert.Equal(Missing, Assert.Single(await Server.Client.ListNodesAsync(Ct)).Isolation);
        Assert.Contains(Missing, await PageAsync(), StringComparison.Ordinal);
        Assert.Equal((false, $"lab1: {Missing}"), await HealthAsync());

        node.Facts = node.Facts with { Isolation = null };
        await node.ReportAsync();
        await Eventually.TrueAsync(async () => await HealthAsync() == (true, null), "all is well");
        Assert.Null(Assert.Single(await Server.Client.ListNodesAsync(Ct)).Isolation);
    }

    [Fact]
    public async Task AMachineThatServesItsOwnerAloneIsToldToItsOwnerAlone()
    {
        await using var node = await JoinAsync("mine", own: true);
        Assert.Equal(Missing, Assert.Single(await Server.Client.ListNodesAsync(Ct)).Isolation);
        Assert.Equal((true, null), await HealthAsync());
    }

    private Task<FakeNode> JoinAsync(string name, bool own) => FakeNode.JoinAsync(
        Server, name, Admin, own, facts: new NodeFacts { Engine = "Docker 1", Cpu = 8, MemoryBytes = 16L << 30, DiskFreeBytes = 100L << 30, Isolation = Missing });

    private async Task<(bool Ok, string? Message)> HealthAsync()
    {
        var check = Assert.Single((await Server.Client.HealthAsync(Ct)).Checks, c => c.Name == "isolation_on_machines");
        return (check.Ok, check.Message);
    }

    private async Task<string> PageAsync()
    {
        var link = await Server.Service<SignInLinks>().CreateAsync(Admin.UserId, Ct);
        using var browser = new PageServer.Browser(new Uri(Server.Address));
        await browser.GetAsync(new Uri(link.Url).PathAndQuery);
        return (await browser.GetAsync("/nodes")).Text;
    }
}
