using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Tests.Docker;

/// <summary>Whose the workspace is, in every way that an image or an environment can say who runs.</summary>
[Trait("Needs", "engine")]
public sealed class WorkspaceTests(EngineFixture engine) : DockerTests(engine), IClassFixture<EngineFixture>
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)] // over TCP the engine's folders are not this machine's to change: the engine has to do it
    public async Task BelongsToTheImagesUserByName(bool local)
    {
        using var relay = new EngineRelay(await Provider.GetEngineAsync(Ct), path: null);
        relay.Open();
        using var provider = Engine.With(o => local ? o : o with { Engine = relay.Address });
        var order = Order("who", spec => spec with { Image = Engine.JanesImage });
        await provider.StartAsync(order, new Progress<StageReport>(), Ct);
        Assert.Equal("1234:1235 workspace 1234:1235 file 1234:1235", await SaidAsync(order.Key));
    }

    [Fact]
    public async Task BelongsToTheUserAlsoWhereTheEngineHasToSeeToIt()
    {
        using var relay = new EngineRelay(await Provider.GetEngineAsync(Ct), path: null);
        relay.Open();
        using var provider = Engine.With(o => o with { Engine = relay.Address });
        var order = Order("who", spec => spec with { Uid = 77, Gid = 78, MountDirectory = "/home/some/where" });
        await provider.StartAsync(order, new Progress<StageReport>(), Ct);
        Assert.Equal("77:78 workspace 77:78 file 77:78", await SaidAsync(order.Key));
    }

    [Fact]
    public async Task KeepsWhatTheImageHasThere()
    {
        var order = Order("read", spec => spec with { Image = Engine.JanesImage, MountDirectory = "/data" });
        await StartAsync(order);
        Assert.Equal("of the image", await SaidAsync(order.Key));
    }

    [Fact]
    public async Task IsTheFolderThatIsNamedAndItsOwnerWorksInIt()
    {
        var folder = Engine.MakeFolder("here");
        using var chown = System.Diagnostics.Process.Start("chown", ["3000:3001", folder]);
        await chown.WaitForExitAsync(Ct);
        Assert.SkipUnless(chown.ExitCode == 0, "Only root gives folders away.");

        var order = Order("who", spec => spec with { HostFolder = new HostFolder(folder, 3000, 3001) });
        await StartAsync(order);
        Assert.Equal("3000:3001 workspace 3000:3001 file 3000:3001", await SaidAsync(order.Key));
        await Provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
        Assert.True(File.Exists(Path.Combine(folder, "new")), "A folder of the machine is never deleted.");
    }

    [Fact]
    public async Task AFolderThatIsGoneIsARefusalThatNamesIt()
    {
        var order = Order("who", spec => spec with { HostFolder = new HostFolder("/no/such/folder", 1, 1) });
        Assert.Contains("/no/such/folder", (await RefusedAsync(order, Reason.Refused)).Message);
    }

    [Fact]
    public async Task AStopThatDeletesLeavesNothingBehind()
    {
        var order = Order("write", spec => spec with { Image = Engine.JanesImage });
        await StartAsync(order);
        await SaidAsync(order.Key);
        Assert.Contains(order.Key.WorkspaceName, await Engine.Volumes(Engine.Installation));
        var folder = Path.Combine(Engine.Options(Engine.Installation).SessionsFolder, order.Key.SessionId.ToLowerInvariant());
        Assert.True(File.Exists(Path.Combine(folder, "order.json")));

        await Provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
        Assert.DoesNotContain(order.Key.WorkspaceName, await Engine.Volumes(Engine.Installation));
        Assert.False(Directory.Exists(folder));
        Assert.Null(await FindAsync(order.Key));
    }

    [Fact]
    public async Task TheServersSocketInTheSessionsFolderStays()
    {
        var order = Order("stay");
        await StartAsync(order);
        var folder = Path.Combine(Engine.Options(Engine.Installation).SessionsFolder, order.Key.SessionId.ToLowerInvariant());
        await File.WriteAllTextAsync(Path.Combine(folder, "agent.sock"), "", Ct);
        await Provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
        Assert.Equal(["agent.sock"], Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName));
    }
}
