using Berth.EndToEnd.Tests.House;
using Berth.Fakes;
using Microsoft.Playwright;

namespace Berth.EndToEnd.Tests;

/// <summary>An app on another port of a real session, in a real browser.</summary>
public sealed class PortPageTests(CutServer server, Chromium chromium) : IClassFixture<CutServer>, IClassFixture<Chromium>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_app_that_is_started_inside_appears_on_the_page_and_opens_for_its_owner_alone()
    {
        var session = await server.StartEchoAsync("ports");
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}");
        await page.GetByRole(AriaRole.Link, new() { Name = "9001", Exact = true }).WaitForAsync();

        // On localhost alone, as most do; the page hears of it by itself.
        Assert.Equal(0, (await server.BerthAsync("exec", "ports", "--", "busybox", "sh", "-c", "busybox mkdir -p /work/app && echo '<h1>My app</h1>' > /work/app/index.html && busybox httpd -p 127.0.0.1:8501 -h /work/app")).Code);
        var link = page.GetByRole(AriaRole.Link, new() { Name = "8501", Exact = true });
        await link.WaitForAsync();
        await page.LookAsync("ports-light");
        await page.SetViewportSizeAsync(390, 780);
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await page.LookAsync("ports-phone-dark");
        Assert.Equal(390, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        await page.SetViewportSizeAsync(1280, 900);
        Assert.Contains("8501", (await server.BerthAsync("session", "show", "ports", "-c", "ports")).Out, StringComparison.Ordinal);

        var app = await page.Context.RunAndWaitForPageAsync(() => link.ClickAsync());
        await app.GetByRole(AriaRole.Heading, new() { Name = "My app" }).WaitForAsync();
        Assert.Equal($"8501--{session.Id.ToLowerInvariant()}.localhost", new Uri(app.Url).Host);

        // A port that was typed in, where nothing is yet: the page turns into the app once there is one.
        await page.GetByLabel("Another port").FillAsync("8600");
        var later = await page.Context.RunAndWaitForPageAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Open", Exact = true }).ClickAsync());
        await later.GetByRole(AriaRole.Heading, new() { Name = "Nothing answers on port 8600 of ports" }).WaitForAsync();
        await later.LookAsync("port-nothing");
        Assert.Equal(0, (await server.BerthAsync("exec", "ports", "--", "busybox", "httpd", "-p", "127.0.0.1:8600", "-h", "/work/app")).Code);
        await later.GetByRole(AriaRole.Heading, new() { Name = "My app" }).WaitForAsync();

        // Without the sign-in there is nothing to see.
        var stranger = await (await page.Context.Browser!.NewContextAsync()).NewPageAsync();
        await stranger.GotoAsync(app.Url);
        await Eventually.TrueAsync(() => stranger.Url.Contains("/sign-in", StringComparison.Ordinal), "it is asked who it is");

        // The command's link goes there too.
        var printed = (await server.BerthAsync("open", "ports", "--port", "8501", "--print")).Out.Trim();
        await stranger.GotoAsync(printed);
        await stranger.GetByRole(AriaRole.Heading, new() { Name = "My app" }).WaitForAsync();
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_page_of_one_port_reads_nothing_of_another()
    {
        var session = await server.StartEchoAsync("apart");
        Assert.Equal(0, (await server.BerthAsync("exec", "apart", "--", "busybox", "httpd", "-p", "127.0.0.1:8501", "-h", "/work")).Code);
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}/open?port=8501&to=/index.html");
        await page.GetByText("within").WaitForAsync();
        var front = $"http://{session.Id.ToLowerInvariant()}.localhost:{server.Port}";
        await page.GotoAsync(front + "/index.html");
        await page.GetByText("within").WaitForAsync();
        await page.GotoAsync($"http://8501--{session.Id.ToLowerInvariant()}.localhost:{server.Port}/index.html");
        foreach (var mode in (string[])["cors", "no-cors"])
        {
            var got = await page.EvaluateAsync<string>(
                "async ([url, mode]) => { try { const r = await fetch(url, { mode, credentials: 'include' }); return r.type === 'opaque' ? 'opaque' : await r.text(); } catch (e) { return 'refused'; } }",
                new[] { front + "/index.html", mode });
            Assert.DoesNotContain("within", got, StringComparison.Ordinal);
        }
        await server.RemoveAsync(session.Id);
    }
}
