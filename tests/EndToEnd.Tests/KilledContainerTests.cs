using System.Diagnostics;
using Berth.EndToEnd.Tests.House;
using static Microsoft.Playwright.Assertions;

namespace Berth.EndToEnd.Tests;

/// <summary>A container that somebody kills by hand shows within 2 s, and nobody had to ask.</summary>
[Trait("Needs", "browser")]
[Collection(nameof(Alone))]
public sealed class KilledContainerTests(RunningServer server, Chromium chromium) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Shows_as_failed_in_the_open_page_and_in_the_stream_of_events()
    {
        var session = await server.StartSessionAsync(Sample.WebServer());
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}");
        await Expect(page.Locator(".status").First).ToHaveTextAsync("Running");
        var listening = server.UntilAsync(session.Id, s => s.Berth.Status == "failed", "the session failed");

        await Engine.KillAsync((await Engine.ContainersOfAsync(server.Installation, session.Id))[0]);
        var watch = Stopwatch.StartNew();
        await Expect(page.Locator(".status").First).ToHaveTextAsync("Failed", new() { Timeout = (float)Soon.TotalMilliseconds });
        await Expect(page.GetByText("killed from outside")).Not.ToHaveCountAsync(0);
        Assert.Equal("killed", (await listening).Berth.Reason);
        Assert.True(watch.Elapsed < Soon, $"it took {watch.Elapsed.TotalSeconds} s");
        await page.LookAsync("killed");

        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Shows_as_failed_in_the_command()
    {
        var session = await server.StartSessionAsync(Sample.WebServer("victim"));
        await Engine.KillAsync((await Engine.ContainersOfAsync(server.Installation, session.Id))[0]);
        await server.UntilAsync(session.Id, s => s.Berth.Status == "failed", "the session failed", Soon);

        var show = await server.BerthAsync("session", "show", "victim");
        Assert.Contains("failed", show.Out, StringComparison.Ordinal);
        Assert.Contains("killed from outside", show.Out, StringComparison.Ordinal);
        Assert.Contains("killed from outside", (await server.BerthAsync("session", "open", "victim", "--print")).Error, StringComparison.Ordinal);

        var again = await server.BerthAsync("session", "resume", "victim");
        Assert.True(again.Code == 0, again.Error);
        await server.RemoveAsync(session.Id);
    }
}
