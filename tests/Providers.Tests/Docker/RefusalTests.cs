using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Tests.Docker;

/// <summary>What cannot be started is refused with its reason, and leaves nothing behind.</summary>
[Trait("Needs", "engine")]
public sealed class RefusalTests(EngineFixture engine) : DockerTests(engine), IClassFixture<EngineFixture>
{
    [Fact]
    public async Task AGpuWhereThereIsNone()
    {
        Assert.SkipWhen((await Engine.CallAsync(HttpMethod.Get, "/info")).Contains("nvidia"), "This machine has gpus.");
        foreach (var gpu in new[] { new GpuRequest(-1, []), new GpuRequest(2, []), new GpuRequest(0, ["GPU-1", "GPU-2"]) })
            await RefusedAsync(Order("stay", spec => spec with { Resources = spec.Resources with { Gpu = gpu } }), Reason.NoGpu);
    }

    [Fact]
    public async Task MoreCoresThanTheMachineHas()
    {
        var machine = await Provider.GetEngineAsync(Ct);
        var refusal = await RefusedAsync(Order("stay", spec => spec with { Resources = spec.Resources with { Cpu = machine.Cpus + 0.5 } }), Reason.NoCapacity);
        Assert.Equal($"{machine.Cpus}.5 cores, and {machine.Name} has {machine.Cpus}.", refusal.Message);
    }

    [Fact]
    public async Task MoreMemoryThanTheMachineHas()
    {
        var refusal = await RefusedAsync(Order("stay", spec => spec with { Resources = spec.Resources with { MemoryBytes = 1L << 50 } }), Reason.NoCapacity);
        Assert.StartsWith("1048576 GiB of memory, and ", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LessMemoryThanAnEngineGives()
    {
        Assert.SkipWhen((await Provider.GetEngineAsync(Ct)).IgnoresLimits, "It takes any limit, and keeps none.");
        await RefusedAsync(Order("stay", spec => spec with { Resources = spec.Resources with { MemoryBytes = 1 << 20 } }), Reason.NoCapacity);
    }

    [Fact]
    public async Task AnImageForAnotherProcessor()
    {
        var image = await Engine.ForeignImageAsync("s390x");
        var refusal = await RefusedAsync(Order("stay", spec => spec with { Image = image }), Reason.WrongPlatform);
        Assert.Contains("linux/s390x", refusal.Message);
        var finding = await Provider.FindImageAsync(new ImageQuery(image), Ct);
        Assert.False(finding.Accessible);
        Assert.Equal(["linux/s390x"], finding.Platforms);
    }

    [Fact]
    public async Task AFolderThatWasSwappedForALinkMeanwhile()
    {
        var folder = Engine.MakeFolder(Guid.NewGuid().ToString("N"));
        var work = Directory.CreateDirectory(Path.Combine(folder, "way/work")).FullName;
        var order = Order("stay", spec => spec with { HostFolder = new HostFolder(work, 0, 0) });
        Directory.Move(Path.Combine(folder, "way"), Path.Combine(folder, "moved"));
        Directory.CreateSymbolicLink(Path.Combine(folder, "way"), "moved");
        var refusal = await RefusedAsync(order, Reason.Refused);
        Assert.Contains("behind a link", refusal.Message);
    }

    [Fact]
    public async Task ARepositoryOfTheMachineThatWasSwappedForALinkMeanwhile()
    {
        var repository = Engine.MakeFolder(Guid.NewGuid().ToString("N"));
        var order = Order("stay", spec => spec with { Repositories = [new Repository(repository)] });
        Directory.Delete(repository);
        Directory.CreateSymbolicLink(repository, "/etc");
        var refusal = await RefusedAsync(order, Reason.Refused);
        Assert.Contains($"the folder {repository} is now behind a link", refusal.Message);
    }

    [Fact]
    public async Task NoCommandAtAll()
    {
        await Engine.ImportAsync(Engine.ImageName("mute"), []);
        var order = Order(null, spec => spec with { Image = Engine.ImageName("mute") });
        await RefusedAsync(order, Reason.CommandNotFound);
    }

    [Fact]
    public async Task ARegistryThatCannotBeReached()
    {
        var order = Order("stay", spec => spec with { Image = "127.0.0.1:1/nothing:here" });
        var refusal = await RefusedAsync(order, Reason.PullFailed);
        Assert.StartsWith("127.0.0.1:1/nothing:here: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("refused", refusal.Message);
        var finding = await Provider.FindImageAsync(new ImageQuery(order.Spec.Image), Ct);
        Assert.False(finding.Accessible);
        Assert.NotNull(finding.Message);
    }

    [Fact]
    public async Task RootWhereAnAdminForbidsIt()
    {
        using var strict = Engine.With(o => o with { AllowRoot = false });
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => strict.StartAsync(Order("stay"), new Progress<StageReport>(), Ct));
        Assert.Equal(Reason.Refused, refusal.Reason);
        Assert.Contains("root", refusal.Message);
        var order = Order("stay", spec => spec with { Uid = 1000 });
        await strict.StartAsync(order, new Progress<StageReport>(), Ct);
        await SeenAsync(order.Key, ForeignState.Running);
    }

    [Fact]
    public async Task AnAgentThatIsNotThere()
    {
        using var bare = Engine.With(o => o with { AgentFolder = Engine.MakeFolder("empty") });
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => bare.StartAsync(Order("stay"), new Progress<StageReport>(), Ct));
        Assert.Contains("agent is missing", refusal.Message);
    }

    [Fact]
    public async Task AnAgentThatCannotBeRun()
    {
        var folder = Engine.MakeFolder("broken");
        await File.WriteAllTextAsync(Path.Combine(folder, "berth-agent"), "", Ct);
        File.SetUnixFileMode(Path.Combine(folder, "berth-agent"), (UnixFileMode)0b110_100_100);
        using var broken = Engine.With(o => o with { AgentFolder = folder });
        var order = Order("stay");
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => broken.StartAsync(order, new Progress<StageReport>(), Ct));
        Assert.Equal(Reason.CommandNotFound, refusal.Reason);
        Assert.Null(await FindAsync(order.Key));
    }

    [Theory]
    [InlineData("containers/create?name=")]
    [InlineData("volumes/create")]
    public async Task ANameThatSomebodyElseHasTaken(string path)
    {
        var order = Order("stay");
        var container = path.StartsWith('c');
        var name = container ? order.Key.ForeignName : order.Key.WorkspaceName;
        var body = container ? $$"""{"Image":"{{Engine.Image}}"}""" : $$"""{"Name":"{{name}}"}""";
        await Engine.CallAsync(HttpMethod.Post, $"/{path}{(container ? name : "")}", new StringContent(body, null, "application/json"));
        try
        {
            Assert.Contains(name, (await RefusedAsync(order, Reason.Refused)).Message);
            await Provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
            var still = await Engine.CallAsync(HttpMethod.Get, container ? $"/containers/{name}/json" : $"/volumes/{name}");
            Assert.Contains($"{name}\"", still);
        }
        finally
        {
            await Engine.CallAsync(HttpMethod.Delete, container ? $"/containers/{name}" : $"/volumes/{name}");
        }
    }

    [Fact]
    public async Task TheImagesOwnCommandDirectoryAndVariablesHoldWhereTheEnvironmentNamesNone()
    {
        var order = Order(null, spec => spec with { Image = Engine.JanesImage });
        await StartAsync(order);
        Assert.Equal("hello /home/jane", await SaidAsync(order.Key));
        var file = Path.Combine(Engine.Options(Engine.Installation).SessionsFolder, order.Key.SessionId.ToLowerInvariant(), "order.json");
        var written = await File.ReadAllTextAsync(file, Ct);
        Assert.Contains("\"command\":[\"environment\",\"more\"]", written);
        Assert.Contains("\"working_directory\":\"/home/jane\"", written);
    }
}
