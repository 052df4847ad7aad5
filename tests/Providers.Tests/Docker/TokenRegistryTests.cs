using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

/// <summary>Images of a real registry that sends its callers to a token service, as most public ones do.</summary>
[Trait("Needs", "engine")]
public sealed class TokenRegistryTests(EngineFixture engine) : DockerTests(engine), IClassFixture<EngineFixture>, IAsyncLifetime
{
    private readonly RegistryTokens _tokens = RegistryTokens.Start(TimeProvider.System, "ada", "bob");
    private string _folder = "";
    private ImageRegistry _registry = null!;

    public async ValueTask InitializeAsync()
    {
        _folder = Engine.MakeFolder("tokens-" + Ulid.New(TimeProvider.System));
        _registry = await ImageRegistry.StartAsync(_folder, _tokens);
    }

    public ValueTask DisposeAsync()
    {
        _registry.Dispose();
        _tokens.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task CredentialsAreTriedAtTheTokenService()
    {
        using var registries = new RegistryClient(TimeProvider.System);
        Assert.Equal(RegistryWord.Found, (await registries.SignInAsync(Of("ada"), Ct)).Word);
        Assert.Equal(RegistryWord.Refused, (await registries.SignInAsync(Of("ada") with { Secret = "guessed" }, Ct)).Word);
        Assert.Equal(RegistryWord.Refused, (await registries.SignInAsync(Of("nobody"), Ct)).Word);
    }

    [Fact]
    public async Task AnImageIsFoundAndFetchedWithCredentialsAndRefusedWithoutOrWithWrongOnes()
    {
        var image = await PushAsync("private");
        var anybody = await Provider.FindImageAsync(new ImageQuery(image), Ct);
        Assert.Equal((false, null), (anybody.Accessible, anybody.Exists));
        Assert.Contains("does not give", anybody.Message);
        var guess = OrderOf(image, Of("ada") with { Secret = "guessed" });
        Assert.DoesNotContain("guessed", (await RefusedAsync(guess, Reason.ImageNotFound)).ToString());
        await RefusedAsync(OrderOf(image, null), Reason.ImageNotFound);

        var found = await Provider.FindImageAsync(new ImageQuery(image, new ImageAccess("ada", false, Of("ada"))), Ct);
        Assert.Equal((true, false), (found.Accessible, found.Local));
        Assert.NotEmpty(found.Platforms);
        var order = OrderOf(image, Of("ada"));
        await StartAsync(order);
        await SeenAsync(order.Key, ForeignState.Running);

        // In the cache now, and still not everybody's.
        await RefusedAsync(OrderOf(image, null), Reason.ImageNotFound);
        var bob = OrderOf(image, Of("bob"));
        await StartAsync(bob);
        await SeenAsync(bob.Key, ForeignState.Running);
    }

    [Fact]
    public async Task TokensThatTheRegistryDoesNotTakeAreNotTakenForWrongCredentials()
    {
        var image = await PushAsync("expired");
        _tokens.GivesExpired = true;
        var found = await Provider.FindImageAsync(new ImageQuery(image, new ImageAccess("ada", false, Of("ada"))), Ct);
        Assert.False(found.Accessible);
        Assert.Contains("it does not take what its own token service gives (invalid_token)", found.Message);
        using var registries = new RegistryClient(TimeProvider.System);
        Assert.Equal(RegistryWord.Silent, (await registries.SignInAsync(Of("ada"), Ct)).Word);
        Assert.NotNull((await Assert.ThrowsAsync<ProviderException>(() => StartAsync(OrderOf(image, Of("ada"))))).Message);

        _tokens.GivesExpired = false;
        var order = OrderOf(image, Of("ada"));
        await StartAsync(order);
        await SeenAsync(order.Key, ForeignState.Running);
    }

    [Fact]
    public async Task ATagThatIsGoneIsNotFoundAndADigestStillIs()
    {
        var image = await PushAsync("gone");
        var digest = await DigestAsync(image);
        var tags = Path.Combine(_folder, "images/docker/registry/v2/repositories/berth-test/gone/_manifests/tags");
        Directory.Delete(tags, recursive: true);

        var finding = await Provider.FindImageAsync(new ImageQuery(image, new ImageAccess("ada", false, Of("ada"))), Ct);
        Assert.Equal((false, false), (finding.Accessible, finding.Exists));
        await RefusedAsync(OrderOf(image, Of("ada")), Reason.ImageNotFound);
        var pinned = OrderOf($"{image[..image.LastIndexOf(':')]}@{digest}", Of("ada"));
        await StartAsync(pinned);
        await SeenAsync(pinned.Key, ForeignState.Running);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnImageForOtherMachinesIsRefusedBeforeItIsFetched(bool index)
    {
        using var open = await ImageRegistry.StartAsync(Engine.MakeFolder($"registry-{index}"));
        var (image, manifest, type) = await PushForeignAsync(open, "arm64");
        if (index)
        {
            // A list of images for several platforms, none of which is this machine's.
            image = image.Replace(":latest", ":list");
            var entry = $$$"""{"mediaType":"{{{type}}}","digest":"sha256:{{{Convert.ToHexStringLower(SHA256.HashData(manifest))}}}","size":{{{manifest.Length}}},"platform":{"os":"linux","architecture":"arm64"}}""";
            await PutAsync(open, "foreign", "list", $$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{entry}}]}""", "application/vnd.oci.image.index.v1+json");
        }

        var refusal = await RefusedAsync(Order("stay", spec => spec with { Image = image }), Reason.WrongPlatform);
        Assert.Contains($"{image} is for linux/arm64, and ", refusal.Message);
        var finding = await Provider.FindImageAsync(new ImageQuery(image), Ct);
        Assert.Equal((false, false), (finding.Accessible, finding.Local));
        Assert.Equal(["linux/arm64"], finding.Platforms);
        Assert.DoesNotContain("\"Id\"", await Engine.CallAsync(HttpMethod.Get, $"/images/{image}/json"));
    }

    private RegistryCredential Of(string user) => new(_registry.Address, user, ImageRegistry.PasswordOf(user));

    private StartOrder OrderOf(string image, RegistryCredential? credential) =>
        Order("stay", spec => spec with { Image = image }) with { Access = new ImageAccess(credential?.Username ?? "eve", false, credential) };

    private async Task<string> PushAsync(string name)
    {
        var repository = $"{_registry.Address}/berth-test/{name}";
        await Engine.ImportAsync($"{repository}:latest", [], "CMD [\"stay\"]");
        await SendAsync(repository, $$"""{"username":"ada","password":"{{ImageRegistry.PasswordOf("ada")}}"}""");
        return $"{repository}:latest";
    }

    /// <summary>Sends an image to its registry, and forgets it here.</summary>
    private async Task SendAsync(string repository, string auth)
    {
        var answer = await Engine.CallAsync(HttpMethod.Post, $"/images/{repository}/push?tag=latest", null, Convert.ToBase64String(Encoding.UTF8.GetBytes(auth)));
        Assert.DoesNotContain("\"error\"", answer);
        await Engine.CallAsync(HttpMethod.Delete, $"/images/{repository}:latest?force=1");
    }

    private async Task<(string Image, byte[] Manifest, string Type)> PushForeignAsync(ImageRegistry open, string architecture)
    {
        var made = await Engine.ForeignImageAsync(architecture);
        var repository = $"{open.Address}/foreign";
        await Engine.CallAsync(HttpMethod.Post, $"/images/{made}/tag?repo={repository}&tag=latest");
        await SendAsync(repository, "{}");
        using var http = new HttpClient();
        foreach (var type in (string[])["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"])
            http.DefaultRequestHeaders.Accept.ParseAdd(type);
        using var answer = await http.GetAsync(new Uri($"http://{open.Address}/v2/foreign/manifests/latest"), Ct);
        return ($"{repository}:latest", await answer.Content.ReadAsByteArrayAsync(Ct), answer.Content.Headers.ContentType!.MediaType!);
    }

    private static async Task PutAsync(ImageRegistry open, string repository, string tag, string manifest, string type)
    {
        using var http = new HttpClient();
        using var body = new StringContent(manifest);
        body.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var answer = await http.PutAsync(new Uri($"http://{open.Address}/v2/{repository}/manifests/{tag}"), body, Ct);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Ct));
    }

    /// <summary>From the folder in which the registry keeps it.</summary>
    private async Task<string> DigestAsync(string image)
    {
        var name = image[(image.LastIndexOf('/') + 1)..image.LastIndexOf(':')];
        return await File.ReadAllTextAsync(Path.Combine(_folder, $"images/docker/registry/v2/repositories/berth-test/{name}/_manifests/tags/latest/current/link"), Ct);
    }
}
