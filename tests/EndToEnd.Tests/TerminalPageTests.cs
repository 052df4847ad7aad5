using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Berth.EndToEnd.Tests;

/// <summary>A terminal of a real session, in a real browser.</summary>
public sealed class TerminalPageTests(CutServer server, Chromium chromium) : IClassFixture<CutServer>, IClassFixture<Chromium>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_shell_in_the_browser_outlives_page_and_server()
    {
        var session = await server.StartEchoAsync("browser");
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}");
        await page.GetByRole(AriaRole.Link, new() { Name = "Terminal", Exact = true }).ClickAsync();
        await UntilAsync(page, "~ $");
        await page.Keyboard.TypeAsync("kept=yes; echo sum-$((40 + 2)); busybox stty size\n");
        await UntilAsync(page, "sum-42");
        var columns = await ColumnsAsync(page);
        Assert.InRange(columns, 80, 200);
        await page.LookAsync("terminal-light");

        // A narrower window is a narrower terminal.
        await page.SetViewportSizeAsync(700, 800);
        await Eventually.TrueAsync(async () =>
        {
            await page.Keyboard.TypeAsync("clear; busybox stty size\n");
            return await ColumnsAsync(page) < columns;
        }, "the terminal has the window's size");
        await page.SetViewportSizeAsync(390, 780);
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await page.LookAsync("terminal-phone-dark");
        Assert.Equal(390, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        await page.SetViewportSizeAsync(1280, 900);

        await page.Keyboard.TypeAsync("echo before-$((1 + 1))\n");
        await UntilAsync(page, "before-2");
        await page.ReloadAsync();
        await UntilAsync(page, "before-2");
        await page.Keyboard.TypeAsync("echo kept-$kept\n");
        await UntilAsync(page, "kept-yes");

        await server.KillAsync();
        await page.GetByText("Reconnecting").WaitForAsync();
        await page.LookAsync("terminal-away");
        await server.StartAsync();
        await Eventually.TrueAsync(async () => await page.TextContentAsync("#terminal-state") is "", "the line is back", TimeSpan.FromSeconds(20));
        await UntilAsync(page, "kept-yes");
        await page.Keyboard.TypeAsync("echo again-$kept\n");
        await UntilAsync(page, "again-yes");

        // The command is the same shell's client, and takes it over.
        Assert.Contains("web", (await server.BerthAsync("session", "shell", "browser", "--list")).Out, StringComparison.Ordinal);
        await using (var screen = await Screen.OpenAsync(server.Near))
        {
            await screen.TypeAsync($"{Published.Command} session shell browser --terminal web\n");
            await screen.UntilAsync("again-yes");
            await page.GetByText("Opened elsewhere.").WaitForAsync();
            await screen.TypeAsync("echo hello-$((1 + 2))\n");
            await screen.UntilAsync("hello-3");
        }
        await page.GetByRole(AriaRole.Button, new() { Name = "Open again" }).ClickAsync();
        await UntilAsync(page, "hello-3");
        await page.Keyboard.TypeAsync("exit 3\n");
        await page.GetByText("Ended with code 3.").WaitForAsync();
        await page.LookAsync("terminal-ended");
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_sign_out_elsewhere_cuts_it()
    {
        var session = await server.StartEchoAsync("signed-out");
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}/terminal");
        await UntilAsync(page, "~ $");
        var other = await page.Context.NewPageAsync();
        await other.GotoAsync($"http://localhost:{server.Port}/account");
        await other.EvaluateAsync("document.querySelector('form[action*=\"sign-out\"]').submit()");
        await Eventually.TrueAsync(() => other.Url.Contains("/sign-in", StringComparison.Ordinal), "the other tab is signed out");
        await Eventually.TrueAsync(
            async () => page.Url.Contains("/sign-in", StringComparison.Ordinal) || (await page.TextContentAsync("#terminal-state")) is { Length: > 0 } said && !said.Contains("Reconnecting", StringComparison.Ordinal),
            "the terminal is closed");
        await page.LookAsync("terminal-signed-out");
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task What_is_typed_while_the_line_is_away_is_sent_whole_or_said_to_be_dropped()
    {
        var session = await server.StartEchoAsync("typed");
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}/terminal");
        await UntilAsync(page, "~ $");
        await server.KillAsync();
        await page.GetByText("Reconnecting").WaitForAsync();
        await page.Keyboard.TypeAsync("echo kept-$((40 + 2))\n");
        await server.StartAsync();
        await UntilAsync(page, "kept-42");
        Assert.Equal("", await page.TextContentAsync("#terminal-state"));

        // More than is kept: none of it is run, and not its first lines.
        await server.KillAsync();
        await page.GetByText("Reconnecting").WaitForAsync();
        await PasteAsync(page, string.Concat(Enumerable.Repeat("echo half-$((20 + 1))\n", 5000)));
        await server.StartAsync();
        await page.GetByText("What you typed meanwhile was not sent.").WaitForAsync();
        await page.Keyboard.TypeAsync("echo then-$((30 + 3))\n");
        await UntilAsync(page, "then-33");
        Assert.DoesNotContain("half-21", await page.InnerTextAsync(".xterm-rows"), StringComparison.Ordinal);
        Assert.Equal("", await page.TextContentAsync("#terminal-state"));

        // What was on its way when the line was lost: nobody knows.
        await page.Keyboard.TypeAsync("sleep 1000\n");
        await UntilAsync(page, "sleep 1000");
        await server.StallAsync();
        await page.Keyboard.TypeAsync("echo first-$((1 + 1))\n");
        await server.KillAsync();
        await page.GetByText("Reconnecting").WaitForAsync();
        await page.Keyboard.TypeAsync("echo second\n");
        await server.StartAsync();
        await page.GetByText("What you typed last may not have arrived.").WaitForAsync();
        Assert.DoesNotContain("second", await page.InnerTextAsync(".xterm-rows"), StringComparison.Ordinal);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_terminal_that_is_taken_over_as_soon_as_its_line_is_back_can_be_opened_again()
    {
        var session = await server.StartEchoAsync("taken");
        var page = await chromium.SignInAsync(server.Api);
        // What the page does a moment after its line is back waits for the test.
        await page.AddInitScriptAsync("const held = window.held = [], later = setTimeout; window.setTimeout = (act, delay) => `${act}`.includes('begin(') ? held.push(act) : later(act, delay)");
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}/terminal");
        await UntilAsync(page, "~ $");
        var closed = new TaskCompletionSource();
        page.WebSocket += (_, line) => line.Close += (_, _) => closed.TrySetResult();
        await server.KillAsync();
        await page.GetByText("Reconnecting").WaitForAsync();
        await server.StartAsync();
        await Eventually.TrueAsync(async () => await page.TextContentAsync("#terminal-state") is "", "the line is back", TimeSpan.FromSeconds(20));

        await using var screen = await Screen.OpenAsync(server.Near);
        await screen.TypeAsync($"{Published.Command} session shell taken --terminal web\n");
        await page.GetByText("Opened elsewhere.").WaitForAsync();
        await closed.Task.WaitAsync(TimeSpan.FromSeconds(20), Ct);
        Assert.NotEqual(0, await page.EvaluateAsync<int>("held.map(act => act()).length"));
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Open again" })).ToBeVisibleAsync();
        await Expect(page.GetByText("Opened elsewhere.")).ToBeVisibleAsync();
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_line_that_carries_nothing_any_more_is_found_out_and_replaced()
    {
        var session = await server.StartEchoAsync("silent");
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}/terminal");
        await UntilAsync(page, "~ $");
        // Its kernel takes what comes, and nobody answers.
        await server.StallAsync();
        await page.Keyboard.TypeAsync("echo heard-$((1 + 1))\n");
        await page.GetByText("Reconnecting").WaitForAsync(new() { Timeout = 30_000 });
        await server.GoOnAsync();
        await page.GetByText("What you typed last may not have arrived.").WaitForAsync(new() { Timeout = 30_000 });
        await page.Keyboard.TypeAsync("echo then-$((30 + 3))\n");
        await UntilAsync(page, "then-33");
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Ctrl_C_ends_a_flood_at_once()
    {
        var session = await server.StartEchoAsync("flood");
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}/terminal");
        await UntilAsync(page, "~ $");
        await page.Keyboard.TypeAsync("busybox yes | busybox awk '{ print NR }'\n");
        // Tens of megabytes, as fast as the page shows them.
        await page.WaitForFunctionAsync("() => [...document.querySelectorAll('.xterm-rows > div')].some(row => Number(row.innerText) > 3000000)", null, new() { Timeout = 120_000 });
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await page.Keyboard.PressAsync("Control+C");
        await page.Keyboard.TypeAsync("echo over-$((1 + 1))\n");
        await UntilAsync(page, "over-2");
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task An_image_without_a_shell_says_so_on_the_page()
    {
        await using var image = await SmallImage.MakeAsync(withShell: false);
        var session = await server.StartSessionAsync(new StartRequest(Image: image.Name, Name: "shellless", Port: 8000, DefaultUrl: "/", Command: SmallImage.WebServer));
        var page = await chromium.SignInAsync(server.Api);
        await page.GotoAsync($"http://localhost:{server.Port}/sessions/{session.Id}/terminal");
        await page.GetByText("There is no shell in the image: neither bash nor sh").WaitForAsync();
        await server.RemoveAsync(session.Id);
    }

    private static async Task PasteAsync(IPage page, string text) => await page.EvaluateAsync(
        """
        text => {
          const data = new DataTransfer();
          data.setData('text/plain', text);
          document.querySelector('.xterm-helper-textarea').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
        }
        """,
        text);

    private static async Task UntilAsync(IPage page, string text)
    {
        try
        {
            await page.WaitForFunctionAsync("text => document.querySelector('.xterm-rows')?.innerText.replaceAll('\\u00a0', ' ').includes(text)", text);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"'{text}' was not shown, but: {await page.InnerTextAsync(".xterm-rows")}\nIts state: {await page.TextContentAsync("#terminal-state")}", e);
        }
    }

    private static async Task<int> ColumnsAsync(IPage page)
    {
        var text = await page.EvaluateAsync<string>("document.querySelector('.xterm-rows').innerText");
        var size = System.Text.RegularExpressions.Regex.Matches(text, @"\b\d+[ \u00a0](\d+)\b").LastOrDefault();
        return size is null ? int.MaxValue : int.Parse(size.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
    }
}
