using System.Text;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

/// <summary>Images that not everybody may have, from a real registry that asks for a password.</summary>
[Trait("Needs", "engine")]
public sealed class PrivateImageTests(EngineFixture engine) : DockerTests(engine), IClassFixture<EngineFixture>, IAsyncLifetime
{
    private string _folder = "";
    private ImageRegistry _registry = null!;

    public async ValueTask InitializeAsync()
    {
        _folder = Engine.MakeFolder("registry-" + Ulid.New(TimeProvider.System));
        _registry = await ImageRegistry.StartAsync(_folder, ImageRegistry.Ada, ImageRegistry.Bob);
    }

    public ValueTask DisposeAsync()
    {
        _registry.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task CredentialsAreTriedBeforeTheyAreKept()
    {
        using var registries = new RegistryClient(TimeProvider.System);
        Assert.Equal(RegistryWord.Found, (await registries.SignInAsync(Of("ada"), Ct)).Word);
        Assert.Equal(RegistryWord.Refused, (await registries.SignInAsync(Of("ada") with { Secret = "guessed" }, Ct)).Word);
        Assert.Equal(RegistryWord.Silent, (await registries.SignInAsync(Of("ada") with { Host = "127.0.0.1:1" }, Ct)).Word);
    }

    [Fact]
    public async Task IsFoundAndFetchedWithCredentialsAndWithoutThemRefused()
    {
        var image = await PushAsync("fetched");
        var stranger = await Provider.FindImageAsync(new ImageQuery(image), Ct);
        Assert.Equal((false, null), (stranger.Accessible, stranger.Exists));
        Assert.Contains("berth image-credentials set", stranger.Message);
        var ada = await Provider.FindImageAsync(new ImageQuery(image, AccessOf("ada")), Ct);
        Assert.Equal((true, true, false), (ada.Accessible, ada.Exists, ada.Local));
        Assert.NotEmpty(ada.Platforms);

        await RefusedAsync(Order("stay", spec => spec with { Image = image }), Reason.ImageNotFound);
        await RunsAsync(OrderOf("ada", image));
    }

    [Fact]
    public async Task WhatIsCachedIsNotGivenToOthers()
    {
        var image = await PushAsync("cached");
        await RunsAsync(OrderOf("ada", image));

        var refusal = await RefusedAsync(Order("stay", spec => spec with { Image = image }), Reason.ImageNotFound);
        Assert.Contains($"{_registry.Address} does not give {image} to everybody", refusal.Message);
        var wrong = OrderOf("eve", image) with { Access = new ImageAccess("eve", false, Of("ada") with { Username = "eve", Secret = "guessed" }) };
        refusal = await RefusedAsync(wrong, Reason.ImageNotFound);
        Assert.Contains("does not give", refusal.Message);
        Assert.DoesNotContain("guessed", refusal.ToString());
        var finding = await Provider.FindImageAsync(new ImageQuery(image), Ct);
        Assert.Equal((false, false), (finding.Accessible, finding.Local));

        await RunsAsync(OrderOf("bob", image));
        await RunsAsync(OrderOf("eve", image) with { Access = new ImageAccess("eve", Shared: true, null) });
    }

    [Fact]
    public async Task WhileTheRegistryIsAwayItsLastWordCounts()
    {
        var image = await PushAsync("away");
        await RunsAsync(OrderOf("ada", image));
        _registry.Stop();

        await RunsAsync(OrderOf("ada", image));
        var refusal = await RefusedAsync(OrderOf("bob", image), Reason.ImageNotFound);
        Assert.Contains("cannot be asked whether you may read it", refusal.Message);
    }

    [Fact]
    public async Task APublicImageIsEverybodysAlsoWhileItsRegistryIsAway()
    {
        using var open = await ImageRegistry.StartAsync(Engine.MakeFolder("registry-open"));
        var image = await PushAsync("open", open.Address, null);
        await RunsAsync(OrderOf("ada", image) with { Access = new ImageAccess("ada", false, Of("ada") with { Host = open.Address }) });
        open.Stop();
        await RunsAsync(OrderOf("bob", image) with { Access = new ImageAccess("bob", false, null) });
    }

    [Fact]
    public async Task ASessionKeepsItsImageWhereverTheTagMoves()
    {
        var image = await PushAsync("moving");
        var first = OrderOf("ada", image);
        await RunsAsync(first);
        var before = await ImageOfAsync(first.Key);
        await Provider.StopAsync(first.Key, StopMode.KeepWorkspace, Ct);

        await PushAsync("moving", null, "ada", "ENV NEW=1");
        await RunsAsync(OrderOf("bob", image));
        var second = first with { Key = first.Key with { Generation = 2 }, Agent = first.Agent with { Generation = 2 } };
        await RunsAsync(second);
        Assert.Equal(before, await ImageOfAsync(second.Key));
        await Provider.StopAsync(second.Key, StopMode.KeepWorkspace, Ct);

        // Not in the cache any more: fetched by its digest, and refused where the registry does not have that.
        await Engine.CallAsync(HttpMethod.Delete, $"/images/{before}?force=1");
        var third = first with { Key = first.Key with { Generation = 3 }, Agent = first.Agent with { Generation = 3 } };
        await RunsAsync(third);
        Assert.Equal(before, await ImageOfAsync(third.Key));
        await Provider.StopAsync(third.Key, StopMode.KeepWorkspace, Ct);

        await Engine.CallAsync(HttpMethod.Delete, $"/images/{before}?force=1");
        Directory.Delete(Path.Combine(_folder, "images"), recursive: true);
        var fourth = first with { Key = first.Key with { Generation = 4 }, Agent = first.Agent with { Generation = 4 } };
        var refusal = await RefusedAsync(fourth, Reason.ImageNotFound);
        Assert.Contains("this session runs on", refusal.Message);
    }

    [Fact]
    public async Task ATagThatIsGoneIsNotUsedFromTheCacheButBySessionsThatHaveIt()
    {
        var image = await PushAsync("gone");
        var first = OrderOf("ada", image);
        await RunsAsync(first);
        await Provider.StopAsync(first.Key, StopMode.KeepWorkspace, Ct);
        Directory.Delete(Path.Combine(_folder, "images"), recursive: true);

        await RunsAsync(first with { Key = first.Key with { Generation = 2 }, Agent = first.Agent with { Generation = 2 } });
        var refusal = await RefusedAsync(OrderOf("ada", image), Reason.ImageNotFound);
        Assert.Contains("has no", refusal.Message);
    }

    [Fact]
    public async Task ADigestIsAName()
    {
        var image = await PushAsync("pinned");
        await RunsAsync(OrderOf("ada", image));
        var local = System.Text.Json.JsonDocument.Parse(await Engine.CallAsync(HttpMethod.Get, $"/images/{image}/json"));
        var digest = local.RootElement.GetProperty("RepoDigests").EnumerateArray().Select(d => d.GetString()!).First(d => d.StartsWith(_registry.Address, StringComparison.Ordinal));
        await Engine.CallAsync(HttpMethod.Delete, $"/images/{image}?force=1");
        Assert.True((await Provider.FindImageAsync(new ImageQuery(digest, AccessOf("ada")), Ct)).Accessible);
        await RunsAsync(OrderOf("ada", digest));
    }

    [Fact]
    public async Task TheIdOfAnImageIsNoName()
    {
        var image = await PushAsync("by-id");
        var ada = OrderOf("ada", image);
        await RunsAsync(ada);
        var id = await ImageOfAsync(ada.Key);
        foreach (var name in (string[])[id.StartsWith("sha256:", StringComparison.Ordinal) ? id : "sha256:" + id, id.Replace("sha256:", ""), id.Replace("sha256:", "")[..12]])
            await Assert.ThrowsAsync<ProviderException>(() => StartAsync(OrderOf("eve", name)));
    }

    private RegistryCredential Of(string user) => new(_registry.Address, user, ImageRegistry.PasswordOf(user));

    private ImageAccess AccessOf(string user) => user is "ada" or "bob" ? new ImageAccess(user, false, Of(user)) : new ImageAccess(user, false, null);

    private StartOrder OrderOf(string user, string image) => Order("stay", spec => spec with { Image = image }) with { Access = AccessOf(user) };

    private async Task RunsAsync(StartOrder order)
    {
        await StartAsync(order);
        await SeenAsync(order.Key, ForeignState.Running);
    }

    private async Task<string> ImageOfAsync(SessionKey key)
    {
        using var container = System.Text.Json.JsonDocument.Parse(await Engine.CallAsync(HttpMethod.Get, $"/containers/{key.ForeignName}/json"));
        return container.RootElement.GetProperty("Image").GetString()!;
    }

    /// <summary>Sends an image to the registry, and forgets it here.</summary>
    private async Task<string> PushAsync(string name, string? registry = null, string? user = "ada", params string[] changes)
    {
        var repository = $"{registry ?? _registry.Address}/berth-test/{name}";
        await Engine.ImportAsync($"{repository}:latest", [], ["CMD [\"stay\"]", .. changes]);
        var auth = user is null ? "{}" : $$"""{"username":"{{user}}","password":"{{ImageRegistry.PasswordOf(user)}}"}""";
        var answer = await Engine.CallAsync(HttpMethod.Post, $"/images/{repository}/push?tag=latest", null, Convert.ToBase64String(Encoding.UTF8.GetBytes(auth)));
        Assert.DoesNotContain("\"error\"", answer);
        await Engine.CallAsync(HttpMethod.Delete, $"/images/{repository}:latest?force=1");
        return $"{repository}:latest";
    }
}
