using System.Text.RegularExpressions;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Fakes;
using Microsoft.Playwright;

namespace Berth.Server.Tests.Proxy;

/// <summary>Gate and waiting page in a real browser: what its policies forbid no other client tells.</summary>
[Trait("Needs", "browser")]
public sealed class SessionsInChromiumTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-page-").FullName;
    private ProxyServer _server = null!;
    private App _app = null!;
    private IPlaywright _playwright = null!;
    private IBrowser _chromium = null!;

    public async ValueTask InitializeAsync()
    {
        _app = await App.StartAsync();
        _server = await ProxyServer.StartAsync(_folder);
        _playwright = await Playwright.CreateAsync();
        _chromium = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = "/usr/bin/chromium",
            Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _chromium.DisposeAsync();
        _playwright.Dispose();
        await _server.DisposeAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task WhoSignsInByAFormOnTheWayToASessionArrivesThere()
    {
        var session = _server.AddSession(_app.Port);
        var page = await _chromium.NewPageAsync();
        await page.GotoAsync($"{_server.OriginOf(session)}/lab/tree/x");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.GetByText("\"Target\":\"/lab/tree/x\"").WaitForAsync();
        Assert.Equal($"{_server.OriginOf(session)}/lab/tree/x", page.Url);
    }

    [Fact]
    public async Task APausedSessionIsResumedAndThePageTurnsIntoTheApp()
    {
        var session = _server.AddSession(_app.Port, status: SessionStatus.Paused);
        _server.Views[session.Id] = Views.Paused(session);
        await using var context = await _chromium.NewContextAsync();
        await context.AddCookiesAsync([new() { Name = "who", Value = "ana.s1", Url = _server.Origin }]);
        var page = await context.NewPageAsync();
        var complaints = new List<string>();
        page.Console += (_, message) => complaints.Add(message.Text);

        await page.GotoAsync($"{_server.OriginOf(session)}/lab/tree/x?y=1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Resume" }).ClickAsync();
        await Eventually.TrueAsync(() => !_server.Resumed.IsEmpty, "the form was posted");

        var begun = TimeProvider.System.GetUtcNow();
        _server.Change(session, SessionStatus.Launching, Views.Launching(session, "pulling", new StageView("pulling", begun, null, "40 %")));
        await page.GetByText("40 %").WaitForAsync();
        _server.Change(session, SessionStatus.Launching, Views.Launching(session, "starting",
            new("pulling", begun, begun.AddSeconds(61), null), new("starting", begun.AddSeconds(61), null, null)));
        await page.GetByText("1 min 1 s").WaitForAsync();
        Assert.Equal("Starting · climate", await page.TitleAsync());

        _server.Change(session, SessionStatus.Running, Views.View(session, "running"));
        await page.GetByText("\"Target\":\"/lab/tree/x?y=1\"").WaitForAsync();

        // The page itself answers 503, which Chromium notes; nothing of it may be against its own policy.
        Assert.DoesNotContain(complaints, text => Regex.IsMatch(text, "Content Security Policy|Refused|Uncaught"));
    }
}
