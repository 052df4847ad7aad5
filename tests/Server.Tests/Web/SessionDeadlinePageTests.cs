using System.Net;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Web;

public sealed class SessionDeadlinePageTests(PageServer server) : IClassFixture<PageServer>
{
    [Fact]
    public async Task ADeadlineThatIsNearIsShownWithAButtonThatPutsItOff()
    {
        using var browser = await server.SignInAsync();
        var made = await browser.PostAsync(
            "/pools", ("name", "short ones"), ("hibernation_threshold", "3600"), ("class_default", "0"), ("class_name", "small"), ("class_cpu", "1"),
            ("class_memory", "1"), ("class_gpu", "0"), ("class_default_storage", "1"), ("class_max_storage", "1"), ("public", "on"));
        Assert.True(made.Status == HttpStatusCode.SeeOther, made.Text);
        var path = (await browser.PostAsync("/sessions", ("what", "image"), ("image", "example/app:1"), ("name", "near"), ("resource_class_id", "4"))).Location!;
        await browser.PostAsync($"{path}/pause");
        await Eventually.TrueAsync(async () => (await browser.GetAsync(path)).Text.Contains("> Paused</span>", StringComparison.Ordinal), "it is paused");
        Assert.DoesNotContain("session-warning", (await browser.GetAsync(path)).Text);

        server.Clock.Move(TimeSpan.FromMinutes(40));
        server.Services.GetRequiredService<Nudges>().Nudge(ProviderNames.Docker, path.Split('/')[^1]);
        await Eventually.TrueAsync(async () => (await browser.GetAsync(path)).Text.Contains("session-warning", StringComparison.Ordinal), "its owner is warned");

        foreach (var page in new[] { path, "/" })
        {
            var text = (await browser.GetAsync(page)).Text;
            Assert.Contains("It will be stopped: paused sessions are kept for 1 h.", text);
            Assert.Contains("data-clock=\"until\"", text);
            Assert.Contains($"action=\"{path}/extend\"", text);
        }
        Assert.Equal(path, (await browser.PostAsync($"{path}/extend")).Location);
        foreach (var page in new[] { path, "/" })
            Assert.DoesNotContain("session-warning", (await browser.GetAsync(page)).Text);
    }

    [Fact]
    public async Task TheStageInWhichAStartFailedIsNotShownAsDone()
    {
        using var browser = await server.SignInAsync();
        server.Compute.Refusal = new ProviderException(Reason.PullFailed, "no such registry");
        var path = (await browser.PostAsync("/sessions", ("what", "image"), ("image", "example/app:1"), ("name", "fails"))).Location!;
        await Eventually.TrueAsync(async () => (await browser.GetAsync(path)).Text.Contains("> Failed</span>", StringComparison.Ordinal), "it has failed");

        var page = await browser.GetAsync(path);

        Assert.Contains("no such registry", page.Text);
        Assert.Single(page.Text.Split("class=\"stage-failed\"")[1..]);
    }
}
