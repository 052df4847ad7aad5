using System.Net;
using Berth.Contracts.Environments;
using Berth.Fakes;
using Berth.Server.Auth;
using Berth.Server.Environments;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Web;

public sealed class SessionPageTests(PageServer server) : IClassFixture<PageServer>
{
    [Fact]
    public async Task ASessionIsStartedFromTheFormSeenPausedResumedAndStopped()
    {
        using var browser = await server.SignInAsync();

        var started = await browser.PostAsync(
            "/sessions", ("what", "image"), ("image", "example/app:1"), ("name", "mine"), ("env_name", "MODE"), ("env_value", "fast"),
            ("repository", "https://example.org/code.git"), ("branch", "main"), ("repository", ""), ("branch", ""), ("command", "serve\n--port\n5000"), ("port", "5000"));
        Assert.True(started.Status == HttpStatusCode.SeeOther, started.Text);
        var path = started.Location!;
        var page = await browser.GetAsync(path);
        Assert.Equal("mine · Berth", page.Title);
        Assert.Contains("https://example.org/code.git (main)", page.Text);
        Assert.Contains("port 5000", page.Text);
        Assert.Contains("mine", (await browser.GetAsync("/")).Text);

        await Eventually.TrueAsync(() => server.Compute.Orders.Any(o => path.EndsWith(o.Key.SessionId, StringComparison.Ordinal)), "it is started");
        var order = server.Compute.Orders.First(o => path.EndsWith(o.Key.SessionId, StringComparison.Ordinal));
        Assert.Equal(["serve", "--port", "5000"], order.Spec.Command);
        Assert.Equal("fast", order.Spec.Environment["MODE"]);

        var paused = await browser.PostAsync($"{path}/pause", byHtmx: true);
        Assert.Equal(HttpStatusCode.NoContent, paused.Status);
        Assert.Contains("berth:toast", paused.Answer.Headers.GetValues("HX-Trigger").Single());
        await Eventually.TrueAsync(async () => (await browser.GetAsync(path)).Text.Contains("> Paused</span>", StringComparison.Ordinal), "it is paused");
        Assert.Contains("Resume", (await browser.GetAsync(path)).Text);

        Assert.Equal(path, (await browser.PostAsync($"{path}/resume")).Location);
        Assert.Contains("Delete the work too", (await browser.GetAsync($"{path}/stop")).Text);
        var dialog = await browser.GetAsync($"{path}/stop", byHtmx: true);
        Assert.Contains("<dialog", dialog.Text);
        Assert.DoesNotContain("<html", dialog.Text);
        Assert.Equal("/", (await browser.PostAsync($"{path}/stop", ("delete_work", "on"))).Location);
        await Eventually.TrueAsync(async () => (await browser.GetAsync("/sessions/history")).Text.Contains(path, StringComparison.Ordinal), "it has ended");
        Assert.DoesNotContain(path, (await browser.GetAsync("/")).Text);
    }

    [Fact]
    public async Task AnEnvironmentIsStartedByOneClickAndThenOffersToConnect()
    {
        using var browser = await server.SignInAsync();
        var environments = server.Services.GetRequiredService<EnvironmentStore>();
        var owner = await server.Services.GetRequiredService<LocalOwner>().CallerAsync(TestContext.Current.CancellationToken);
        var environment = await environments.CreateAsync(owner, new EnvironmentRequest("Quick one", "example/quick:1"), TestContext.Current.CancellationToken);
        Assert.Contains("Start Quick one", (await browser.GetAsync("/")).Text);

        var started = await browser.PostAsync("/sessions", ("environment_id", environment.Id));

        Assert.True(started.Status == HttpStatusCode.SeeOther, started.Text);
        var list = (await browser.GetAsync("/")).Text;
        Assert.DoesNotContain("Start Quick one", list);
        Assert.Contains($"{started.Location}/open", list);
    }

    [Theory]
    [InlineData("image", "NOT AN IMAGE", "image")]
    [InlineData("name", "no spaces please", "name")]
    [InlineData("port", "70000", "port")]
    [InlineData("cpu", "1000", "cpu")]
    [InlineData("default_url", "//elsewhere.example", "default_url")]
    public async Task ARefusedStartKeepsItsInputAndSaysWhyBesideTheField(string field, string value, string shownAt)
    {
        using var browser = await server.SignInAsync();
        var fields = new Dictionary<string, string> { ["what"] = "image", ["image"] = "example/app:1", [field] = value };

        var page = await browser.PostAsync("/sessions", [.. fields.Select(f => (f.Key, f.Value))]);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, page.Status);
        Assert.Contains($"value=\"{value}\"", page.Text);
        Assert.True(page.Text.Contains("-error\"", StringComparison.Ordinal), page.Text);
        Assert.Contains($"id=\"{shownAt}-error\"", page.Text);
    }

    [Fact]
    public async Task ARefusedRepositoryOrVariableIsSaidWhereItIsTyped()
    {
        using var browser = await server.SignInAsync();

        var repository = await browser.PostAsync("/sessions", ("what", "image"), ("image", "example/app:1"), ("repository", "not a url"));
        var variable = await browser.PostAsync("/sessions", ("what", "image"), ("image", "example/app:1"), ("env_name", "1BAD"), ("env_value", "x"));

        Assert.Equal(2, Occurrences(repository.Text, "A repository is"));
        Assert.Equal(2, Occurrences(variable.Text, "name begins with"));
        Assert.Contains("<details class=\"card more\" open", variable.Text);
    }

    [Fact]
    public async Task OthersSessionsAreNotFound()
    {
        using var browser = await server.SignInAsync();
        using var other = await server.SignInNewAsync("other");
        var path = (await browser.PostAsync("/sessions", ("what", "image"), ("image", "example/app:1"), ("name", "private"))).Location!;

        Assert.Equal(HttpStatusCode.NotFound, (await other.GetAsync(path)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await other.PostAsync($"{path}/stop")).Status);
    }

    private static int Occurrences(string text, string part) => text.Split(part).Length - 1;
}
