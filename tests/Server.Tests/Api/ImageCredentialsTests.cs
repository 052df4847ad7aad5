using Berth.Contracts.Images;
using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Tests.Sessions;
using Dapper;

namespace Berth.Server.Tests.Api;

/// <summary>Credentials for private images, against a real registry that asks for them.</summary>
[Trait("Needs", "engine")]
public sealed class ImageCredentialsTests(ApiServer server) : IClassFixture<ApiServer>, IAsyncLifetime
{
    private const string Password = "ada-password";
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-test-").FullName;
    private ImageRegistry _registry = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Path => $"/api/berth/image_credentials/{_registry.Address}";

    private string Shared => $"/api/berth/shared_image_credentials/{_registry.Address}";

    public async ValueTask InitializeAsync() => _registry = await ImageRegistry.StartAsync(_folder, ImageRegistry.Ada, ImageRegistry.Bob);

    public ValueTask DisposeAsync()
    {
        _registry.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task AreKeptOnceTheRegistryTakesThemAndNeverShown()
    {
        var kept = (await server.Owner.PutAsync(Path, new { username = "ada", password = Password })).Is(200);
        Assert.DoesNotContain(Password, kept.Body);
        var list = (await server.Owner.GetAsync("/api/berth/image_credentials")).Is(200);
        Assert.DoesNotContain(Password, list.Body);
        Assert.Contains(list.Json.List(), c => c.Text("host") == _registry.Address && c.Text("username") == "ada");

        await server.Owner.DeleteAsync(Path);
        Assert.DoesNotContain((await server.Owner.GetAsync("/api/berth/image_credentials")).Ok().List(), c => c.Text("host") == _registry.Address);
    }

    [Fact]
    public async Task ThatTheRegistryRefusesAreNotKept()
    {
        (await server.Owner.PutAsync(Path, new { username = "ada", password = "guessed-by-eve" })).Refused(422, "password", "does not take");
        Assert.DoesNotContain((await server.Owner.GetAsync("/api/berth/image_credentials")).Ok().List(), c => c.Text("host") == _registry.Address);
    }

    [Fact]
    public async Task ForARegistryThatIsAwayAreKeptWithAWarning()
    {
        _registry.Stop();
        var kept = (await server.Owner.PutAsync(Path, new { username = "ada", password = Password })).Ok();
        Assert.Contains("could not be asked", kept.Text("warning"));
    }

    [Theory]
    [InlineData("https:%2F%2Fghcr.io", "ada", "x", "host")]
    [InlineData("ghcr.io%2Fme", "ada", "x", "host")]
    [InlineData("ghcr", "ada", "x", "host")]
    [InlineData("127.0.0.1:1", "a:b", "x", "username")]
    [InlineData("127.0.0.1:1", "", "x", "username")]
    [InlineData("127.0.0.1:1", "ada", "", "password")]
    public async Task WhatIsNoneIsRefusedByItsField(string host, string username, string password, string field) =>
        (await server.Owner.PutAsync("/api/berth/image_credentials/" + host, new { username, password })).Refused(422, field);

    [Fact]
    public async Task AreTheirUsersAndTheInstallationsAreForGlobalEnvironments()
    {
        await using var sessions = await SessionServer.StartAsync();
        var client = sessions.Client;
        await client.SetImageCredentialAsync(_registry.Address, shared: false, new ImageCredentialRequest("ada", Password), Ct);
        await client.SetImageCredentialAsync(_registry.Address, shared: true, new ImageCredentialRequest("bob", "bob-password"), Ct);

        await client.StartSessionAsync(new StartRequest(Image: $"{_registry.Address}/me/mine:1", Name: "mine"), Ct);
        await client.StartSessionAsync(new StartRequest(Image: "ghcr.io/me/other:1", Name: "other"), Ct);
        await client.StartSessionAsync(new StartRequest(Name: "everybodys"), Ct);
        await Eventually.TrueAsync(() => sessions.Compute.Orders.Count == 3, "all are ordered");
        var mine = sessions.Compute.Orders.Single(o => o.Spec.Image.EndsWith("/mine:1", StringComparison.Ordinal));
        Assert.Equal(("ada", Password, false), (mine.Access.Credential!.Username, mine.Access.Credential.Secret, mine.Access.Shared));
        var other = sessions.Compute.Orders.Single(o => o.Spec.Image.StartsWith("ghcr.io", StringComparison.Ordinal));
        Assert.Null(other.Access.Credential);
        Assert.True(sessions.Compute.Orders.Single(o => o != mine && o != other).Access.Shared);

        // In no row in clear, and nowhere in what is ordered but where it is needed.
        await using var connection = await sessions.Db.OpenAsync(Ct);
        Assert.DoesNotContain(Password, await connection.QuerySingleAsync<string>("SELECT secret FROM image_credentials WHERE username = 'ada'"));
        Assert.DoesNotContain(Password, mine.ToString());
        Assert.Null(await connection.QueryFirstOrDefaultAsync<string>($"SELECT id FROM sessions WHERE spec LIKE '%{Password}%'"));
    }

    [Fact]
    public async Task OfTheInstallationAreForAdmins()
    {
        var (stranger, _) = await server.AddUserAsync("nobody-special");
        (await stranger.GetAsync("/api/berth/shared_image_credentials")).Refused(403);
        (await stranger.PutAsync(Shared, new { username = "ada", password = Password })).Refused(403);
        (await server.Owner.PutAsync(Shared, new { username = "ada", password = Password })).Ok();
        Assert.DoesNotContain((await stranger.GetAsync("/api/berth/image_credentials")).Ok().List(), c => c.Text("host") == _registry.Address);
    }
}
