using System.Text.Json;
using Berth.Cli.Tests.House;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Fakes;
using Berth.Server.Auth;
using Berth.Server.Tests.Nodes;

namespace Berth.Cli.Tests.Nodes;

/// <summary>The commands of machines against the whole server; only the machines' engines are played.</summary>
public sealed class NodeCommandTests : CommandTest
{
    private Caller _admin = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        var owner = await Server.Client.WhoAmIAsync(Ct);
        _admin = new Caller(owner.Id, owner.Username, true, CallerKind.Browser, null);
    }

    [Fact]
    public async Task A_machine_with_sessions_is_removed_by_force_and_a_yes()
    {
        await WellAsync("pool", "create", "Lab machines", "--public", "--kind", "nodes", "--cpu", "1", "--memory", "1G", "--max-storage", "1G");
        await using var node = await FakeNode.JoinAsync(Server, "lab1", _admin);
        await WellAsync("start", "--image", "busybox", "--pool", "Lab machines", "--name", "thesis", "--detach");
        await Eventually.TrueAsync(() => node.Compute.Keys.Count == 1, "it runs there");

        var refused = await Berth.RunAsync("node", "remove", "lab1");
        Assert.Equal(ExitCodes.Conflict, refused.Code);
        Assert.Contains("lab1 has 1 session that has not ended: 'thesis'", refused.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("node", "remove", "lab1", "--force")).Code);
        var asked = await Berth.TypeAsync("n\n", "node", "remove", "lab1", "--force");
        Assert.Contains("End 'thesis' and remove lab1? The work of 1 session then stays there", asked.Error, StringComparison.Ordinal);
        Assert.Single(node.Compute.Keys);

        var removed = await WellAsync("node", "remove", "lab1", "--force", "-y");
        Assert.Contains("lab1 is removed.", removed.Error, StringComparison.Ordinal);
        Assert.Contains("The work of 1 session is still on it", removed.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Not stopped", removed.Error, StringComparison.Ordinal);
        Assert.Empty(node.Compute.Keys);
    }

    [Fact]
    public async Task What_a_machine_offers_is_changed_where_it_is_and_counts_at_once()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", _admin, offer: new NodeOffer { Cpu = 6, Labels = new Dictionary<string, string> { ["room"] = "A1" } });
        var folder = Folder(node);
        await WellAsync("node", "set", "--data", folder, "--cpus", "2", "--memory", "4G", "--queue", "gpu", "batch", "--fair", "--uptime", "Mon 10:00-12:00", "--time-zone", "Europe/Zurich");
        var shown = await Server.Client.GetNodeAsync("lab1", Ct);
        Assert.Equal((2.0, 4.0), (shown.Offered!.Cpu, shown.Offered.MemoryGb));
        Assert.Equal(["gpu", "batch"], shown.Queues);
        Assert.Equal((true, "Mon 10:00-12:00", "A1"), (shown.Fair, shown.Uptime, shown.Labels["room"]));
        Assert.Equal("Europe/Zurich", Settings(folder).Offer.TimeZone);
        Assert.Contains("Mon 10:00-12:00 (Europe/Zurich)", (await WellAsync("node", "show", "lab1")).Out, StringComparison.Ordinal);

        await WellAsync("node", "set", "--data", folder, "--cpus", "all", "--gpus", "none", "--uptime", "always", "--fair", "false", "--label", "none");
        var offer = Settings(folder).Offer;
        Assert.Equal((null, null, null, false), (offer.Cpu, offer.Uptime, offer.TimeZone, offer.Fair));
        Assert.Equal((4L << 30, 0, 0), (offer.MemoryBytes!.Value, offer.Gpus!.Count, offer.Labels.Count));
        Assert.Equal(8, (await Server.Client.GetNodeAsync("lab1", Ct)).Offered!.Cpu);
    }

    [Theory]
    [InlineData("--uptime", "nonsense", "uptime")]
    [InlineData("--queue", "day and night", "queues")]
    [InlineData("--time-zone", "Europe/Zurich", "--time-zone says by which clock --uptime is meant")]
    public async Task An_offer_that_cannot_be_is_not_kept(string flag, string value, string field)
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", _admin);
        var folder = Folder(node);
        var before = File.ReadAllText(Path.Combine(folder, NodeFiles.Settings));
        var refused = await Berth.RunAsync("node", "set", "--data", folder, flag, value, "--cpus", "1");
        Assert.NotEqual(0, refused.Code);
        Assert.Contains(field, refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(Path.Combine(folder, NodeFiles.Settings)));
        Assert.Equal(8, (await Server.Client.GetNodeAsync("lab1", Ct)).Offered!.Cpu);
    }

    [Fact]
    public async Task A_token_whose_address_is_of_this_machine_alone_says_so()
    {
        var made = await WellAsync("node", "token");
        Assert.StartsWith("join_", made.Line, StringComparison.Ordinal);
        Assert.Contains("http://localhost:1 reaches the server from its own machine alone. For another machine, set public_url", made.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_set_without_a_flag_and_where_no_machine_has_joined()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", _admin);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("node", "set", "--data", Folder(node))).Code);
        var none = await Berth.RunAsync("node", "set", "--data", "nowhere", "--cpus", "1");
        Assert.Equal(ExitCodes.NotFound, none.Code);
        Assert.Contains("has not joined a server", none.Error, StringComparison.Ordinal);
    }

    /// <summary>The data folder of a machine, as a join leaves it.</summary>
    private string Folder(FakeNode node)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Berth.Work, "node")).FullName;
        Write(NodeFiles.Token, node.Token);
        Write(NodeFiles.Settings, JsonSerializer.Serialize(new NodeSettings(Server.Address, node.Joined.Name, node.Offer), NodeJson.Default.NodeSettings));
        Write(NodeFiles.Identity, JsonSerializer.Serialize(new NodeIdentity(node.Joined.Id, node.Joined.Name, node.Joined.Installation), NodeJson.Default.NodeIdentity));
        return folder;

        void Write(string name, string text) => File.WriteAllText(Path.Combine(folder, name), text);
    }

    private static NodeSettings Settings(string folder) => JsonSerializer.Deserialize(File.ReadAllText(Path.Combine(folder, NodeFiles.Settings)), NodeJson.Default.NodeSettings)!;

    private async Task<Ran> WellAsync(params string[] args)
    {
        var ran = await Berth.RunAsync(args);
        Assert.True(ran.Code == 0, ran.Error);
        return ran;
    }
}
