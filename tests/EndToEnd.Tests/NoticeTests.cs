using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Berth.EndToEnd.Tests;

/// <summary>An idle session warns in JupyterLab itself, and one click on Berth's page keeps it.</summary>
[Trait("Needs", "engine")]
[Trait("Needs", "browser")]
public sealed class NoticeTests(RunningServer server, Chromium chromium) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task AnIdleSessionSaysInJupyterLabThatItWillBePausedAndIsKeptByAClick()
    {
        var pool = await server.BerthAsync("pool", "create", "short-lived", "--public", "--cpu", "1", "--memory", "1G", "--idle", "60s");
        Assert.True(pool.Code == 0, pool.Error);
        var session = await server.StartSessionAsync(new StartRequest(PoolName: "short-lived"));
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}/open");

        var notice = page.Locator(".berth-notice");
        await Expect(notice).ToContainTextAsync("It will be paused: 1 min without use.", new() { Timeout = 120_000 });
        await page.LookAsync("notice-in-jupyterlab");
        var list = await server.BerthAsync("session", "list");
        Assert.Contains("It will be paused", list.Error);

        var own = await page.RunAndWaitForPopupAsync(() => notice.GetByRole(AriaRole.Link).ClickAsync());
        await own.LookAsync("notice-on-page");
        await own.GetByRole(AriaRole.Button, new() { Name = "Keep for another day" }).ClickAsync();
        await Expect(own.Locator(".session-warning")).ToHaveCountAsync(0);
        await Expect(notice).ToHaveCountAsync(0, new() { Timeout = 30_000 });
        Assert.Equal("running", (await server.Api.GetSessionAsync(session.Id, TestContext.Current.CancellationToken)).Berth.Status);
        await server.RemoveAsync(session.Id);
    }
}
