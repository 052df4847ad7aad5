using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Node;
using Berth.Server.Nodes;

namespace Berth.Providers.Tests.Nodes;

/// <summary>How the node's own program joins a whole server.</summary>
public sealed class NodeJoinTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-j-").FullName;
    private QuietServer _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Data => Path.Combine(_folder, "node");

    private NodeDirectory Nodes => _server.Service<NodeDirectory>();

    public async ValueTask InitializeAsync()
    {
        _server = await QuietServer.StartAsync(Path.Combine(_folder, "d"));
        Directory.CreateDirectory(Data);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task ANodeThatWasKilledBeforeItKeptTheAnswerJoinsAgainAsTheSame()
    {
        var token = await _server.JoinTokenAsync();
        using (var folder = Open(new NodeOffer()))
            await Joining.JoinAsync(folder, token, Ct);
        var id = Assert.Single(Nodes.All).Row.Id;
        // All that it has on its disk when it is killed just then.
        File.Delete(Path.Combine(Data, NodeFiles.Identity));

        using var again = Open(new NodeOffer());
        await Joining.JoinAsync(again, token, Ct);
        Assert.Equal(id, again.Identity!.Id);
        Assert.Equal(id, Assert.Single(Nodes.All).Row.Id);
        using var machine = ApiClient.ForServer(new Uri(again.Settings.Server), again.Token);
        Assert.Equal(3, (await machine.SetNodeOfferAsync(new NodeOffer { Cpu = 3 }, Ct)).Cpu);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Data, NodeFiles.Token)));
    }

    [Fact]
    public async Task ANodeWhoseOfferCannotBeSaysSoAndItsTokenIsStillGood()
    {
        var token = await _server.JoinTokenAsync();
        using (var folder = Open(new NodeOffer { Uptime = "Mon-Fri" }))
        {
            var refused = await Assert.ThrowsAsync<NodeException>(() => Joining.JoinAsync(folder, token, Ct));
            Assert.Equal(NodeException.BadConfiguration, refused.ExitCode);
            Assert.Contains("uptime", refused.Message, StringComparison.Ordinal);
        }

        using var other = Open(new NodeOffer { Uptime = "Mon-Fri 18:00-08:00" });
        await Joining.JoinAsync(other, token, Ct);
        Assert.Equal("Mon-Fri 18:00-08:00", Assert.Single(Nodes.All).Row.OfferOf.Uptime);
    }

    [Fact]
    public void WhatItOffersIsReadAnewForEachConnection()
    {
        using var folder = Open(new NodeOffer { Cpu = 1 });
        Write(new NodeOffer { Cpu = 2 });
        Assert.Equal(2, folder.Offer.Cpu);
    }

    private NodeFolder Open(NodeOffer offer)
    {
        Write(offer);
        return NodeFolder.Open(Data, "/none");
    }

    private void Write(NodeOffer offer)
    {
        File.WriteAllText(Path.Combine(Data, NodeFiles.Settings), JsonSerializer.Serialize(new NodeSettings(_server.Address, "lab1", offer), NodeJson.Default.NodeSettings));
    }
}
