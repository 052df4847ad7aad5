using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.Docker;
using Berth.Providers.SessionFolders;

namespace Berth.Providers.Tests.Docker;

[Trait("Needs", "engine")]
public sealed class DockerContractTests(EngineFixture engine) : ProviderContract, IClassFixture<EngineFixture>
{
    protected override ISessionProvider Provider => engine.Provider;

    protected override ISessionProvider Stranger => engine.Stranger;

    protected override string Image => engine.Image;

    protected override Task KillAsync(SessionKey key) => engine.CallAsync(HttpMethod.Post, $"/containers/{key.ForeignName}/kill");

    protected override async Task<string?> CannotTellWantOfMemoryAsync() =>
        (await engine.Provider.GetEngineAsync(Ct)).IsPodman && (await engine.CallAsync(HttpMethod.Get, "/info")).Contains("\"CgroupVersion\":\"1\"")
            ? "Podman does not hear of it with the first version of cgroups."
            : null;

    protected override async Task<string?> CannotLimitAsync() =>
        (await engine.Provider.GetEngineAsync(Ct)).IgnoresLimits ? "An engine without root cannot, with the first version of cgroups." : null;

    protected override async Task CutShortAsync(StartOrder order)
    {
        // A start that is answered once puts network and files in place; its container is then made again, not started.
        await StartAsync(order);
        await engine.CallAsync(HttpMethod.Delete, $"/containers/{order.Key.ForeignName}?force=1");
        using var client = await new EngineFinder(null, Environment.GetEnvironmentVariable, TimeProvider.System).FindAsync(Ct);
        var image = (await client.InspectImageAsync(ImageName.Parse(order.Spec.Image), Ct))!;
        var options = engine.Options(engine.Installation);
        var labels = new DockerLabels(options.InstallationId);
        var plan = new ContainerPlan(options, labels, new SessionFolder(options.SessionsFolder));
        Assert.True(await client.CreateContainerAsync(order.Key.ForeignName, plan.Create(order, image, client.Info, labels.Bridge), Ct));
    }
}
