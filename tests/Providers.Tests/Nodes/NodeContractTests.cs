using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.Docker;
using Berth.Providers.SessionFolders;

namespace Berth.Providers.Tests.Nodes;

/// <summary>The contract through the whole way: server, TLS, node, the real engine.</summary>
[Trait("Needs", "engine")]
public sealed class NodeContractTests(NodeFixture node) : ProviderContract, IClassFixture<NodeFixture>
{
    protected override ISessionProvider Provider => node.Provider;

    protected override ISessionProvider Stranger => node.Engine.Stranger;

    protected override string Image => node.Engine.Image;

    [Fact]
    public async Task AFolderOfTheMachineIsGivenToNoSessionWhateverTheServerSays()
    {
        var order = Order("stay", spec => spec with { HostFolder = new HostFolder("/etc", 0, 0) });
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => StartAsync(order));
        Assert.Equal(Reason.Refused, refusal.Reason);
        var local = Order("stay", spec => spec with { Repositories = [new Repository("/etc")] });
        Assert.Equal(Reason.Refused, (await Assert.ThrowsAsync<ProviderException>(() => StartAsync(local))).Reason);
    }

    [Fact]
    public async Task WhatAStartDoesIsToldWhileItLasts()
    {
        var heard = new Heard();
        var order = Order("stay", spec => spec with { Image = "localhost:1/no/such:image" });
        await Assert.ThrowsAsync<ProviderException>(() => Provider.StartAsync(order, heard, Ct));
        Assert.Contains(heard.Reports, report => report.Stage == Stage.Pulling);
    }

    protected override Task KillAsync(SessionKey key) => node.Engine.CallAsync(HttpMethod.Post, $"/containers/{key.ForeignName}/kill");

    protected override async Task<string?> CannotTellWantOfMemoryAsync() =>
        (await node.Engine.Provider.GetEngineAsync(Ct)).IsPodman ? "Podman does not always hear of it; its own tests say when." : null;

    protected override async Task<string?> CannotLimitAsync() =>
        (await node.Engine.Provider.GetEngineAsync(Ct)).IgnoresLimits ? "An engine without root cannot, with the first version of cgroups." : null;

    protected override async Task CutShortAsync(StartOrder order)
    {
        await StartAsync(order);
        await node.Engine.CallAsync(HttpMethod.Delete, $"/containers/{order.Key.ForeignName}?force=1");
        using var client = await new EngineFinder(null, Environment.GetEnvironmentVariable, TimeProvider.System).FindAsync(Ct);
        var image = (await client.InspectImageAsync(ImageName.Parse(order.Spec.Image), Ct))!;
        var labels = new DockerLabels(node.Options.InstallationId);
        var plan = new ContainerPlan(node.Options, labels, new SessionFolder(node.Options.SessionsFolder));
        Assert.True(await client.CreateContainerAsync(order.Key.ForeignName, plan.Create(order, image, client.Info, labels.Bridge), Ct));
    }
}
