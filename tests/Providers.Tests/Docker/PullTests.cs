using System.Collections.Concurrent;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;

namespace Berth.Providers.Tests.Docker;

/// <summary>Images that have to be fetched, from a real registry.</summary>
[Trait("Needs", "engine")]
public sealed class PullTests(EngineFixture engine) : DockerTests(engine), IClassFixture<EngineFixture>
{
    [Fact]
    public async Task AnImageIsFoundFetchedAndStarted()
    {
        using var registry = await ImageRegistry.StartAsync(Engine.MakeFolder("registry"));
        var image = await PushAsync(registry, "shipped");

        var finding = await Provider.FindImageAsync(new ImageQuery(image), Ct);
        Assert.Equal((true, false), (finding.Accessible, finding.Local));
        Assert.Equal([(await Provider.GetEngineAsync(Ct)).Platform], finding.Platforms);

        var order = Order("stay", spec => spec with { Image = image });
        var heard = new Reports();
        await StartAsync(order, heard);
        await SeenAsync(order.Key, ForeignState.Running);
        Assert.Equal(Stage.Pulling, heard.First().Stage);
        if (!(await Provider.GetEngineAsync(Ct)).IsPodman) // it tells of no sizes
            Assert.Contains(heard, r => r.Detail is not null && r.Detail.Contains("% of"));
        Assert.Equal(Stage.Preparing, heard.Last().Stage);
        Assert.True((await Provider.FindImageAsync(new ImageQuery(image), Ct)).Local);

        // The second start of the same image says nothing of pulling.
        var again = new Reports();
        await StartAsync(Order("stay", spec => spec with { Image = image }), again);
        Assert.Empty(again);
    }

    [Fact]
    public async Task WhatPodmanMadeItselfIsFoundByItsShortName()
    {
        Assert.SkipUnless((await Provider.GetEngineAsync(Ct)).IsPodman, "Docker has one name for it.");
        var image = Engine.Image["localhost/".Length..];
        Assert.True((await Provider.FindImageAsync(new ImageQuery(image), Ct)).Local);
        var order = Order("stay", spec => spec with { Image = image });
        await StartAsync(order);
        await SeenAsync(order.Key, ForeignState.Running);
    }

    [Theory]
    [InlineData("shipped", "no-such-tag")]
    [InlineData("no-such-image", "latest")]
    public async Task AnImageThatItsRegistryDoesNotHaveIsNotFound(string name, string tag)
    {
        using var registry = await ImageRegistry.StartAsync(Engine.MakeFolder($"registry-{tag}"));
        await PushAsync(registry, "shipped");
        var image = $"{registry.Address}/berth-test/{name}:{tag}";
        var refusal = await RefusedAsync(Order("stay", spec => spec with { Image = image }), Reason.ImageNotFound);
        Assert.StartsWith($"there is no {image}, or", refusal.Message, StringComparison.Ordinal);
        var finding = await Provider.FindImageAsync(new ImageQuery(image), Ct);
        Assert.False(finding.Accessible);
        Assert.Contains(image, finding.Message);
    }

    [Fact]
    public async Task AStartThatIsGivenUpWhileItFetchesLeavesNoContainer()
    {
        using var registry = await ImageRegistry.StartAsync(Engine.MakeFolder("registry-cancelled"));
        var order = Order("stay", spec => spec with { Image = "" });
        order = order with { Spec = order.Spec with { Image = await PushAsync(registry, "given-up") } };
        using var given = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var cancelling = new Reports(_ => given.Cancel());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Provider.StartAsync(order, cancelling, given.Token));
        Assert.Null(await FindAsync(order.Key));
        await Provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
    }

    /// <summary>Sends an image to the registry, and forgets it here.</summary>
    private async Task<string> PushAsync(ImageRegistry registry, string name)
    {
        var image = $"{registry.Address}/berth-test/{name}:latest";
        await Engine.ImportAsync(image, [], "CMD [\"stay\"]");
        var answer = await Engine.CallAsync(HttpMethod.Post, $"/images/{registry.Address}/berth-test/{name}/push?tag=latest");
        Assert.DoesNotContain("\"error\"", answer);
        await Engine.CallAsync(HttpMethod.Delete, $"/images/{image}?force=1");
        return image;
    }

    private sealed class Reports(Action<StageReport>? also = null) : ConcurrentQueue<StageReport>, IProgress<StageReport>
    {
        public void Report(StageReport value)
        {
            Enqueue(value);
            also?.Invoke(value);
        }
    }
}
