using Berth.EndToEnd.Tests.House;
using Berth.Fakes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Berth.EndToEnd.Tests;

/// <summary>The main job, in a browser, without a reload of any page.</summary>
[Trait("Needs", "browser")]
public sealed class MainPathTests(RunningServer server, Chromium chromium) : IClassFixture<RunningServer>
{
    private const string Code = "print(open('kept.txt', 'w').write('kept') * 6 * 1000 + 7)";
    private static readonly LocatorAssertionsToBeVisibleOptions InTime = new() { Timeout = 30_000 };

    [Fact]
    public async Task From_the_sign_in_link_to_a_computed_cell_a_pause_a_resume_and_the_end()
    {
        var page = await chromium.SignInAsync(server.Api);
        await Expect(page.GetByText("No session yet")).ToBeVisibleAsync();
        await page.LookAsync("1-empty");

        // Start from the page; the stages appear by themselves.
        await page.GetByRole(AriaRole.Button, new() { Name = "Start JupyterLab" }).ClickAsync();
        var status = page.Locator(".status").First;
        await Expect(status).ToHaveTextAsync("Launching");
        await page.LookAsync("2-launching");
        await page.EvaluateAsync("window.neverReloaded = true");
        await Expect(page.Locator(".stages .stage-done")).Not.ToHaveCountAsync(0, new() { Timeout = 30_000 });
        await Expect(status).ToHaveTextAsync("Running", new() { Timeout = 30_000 });
        await page.LookAsync("3-running");

        var lab = await OpenAsync(page);
        await lab.LookAsync("4-lab");
        await ComputeAsync(lab);
        await lab.LookAsync("5-computed");
        // As the README has it.
        var name = (await server.BerthAsync("session", "list", "-o", "name")).Out.Trim();
        Assert.StartsWith("Python 3.", (await server.BerthAsync("session", "exec", name, "--", "python", "-V")).Out, StringComparison.Ordinal);

        await page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await Expect(status).ToHaveTextAsync("Paused", new() { Timeout = 30_000 });
        await Expect(page.GetByText("It was paused by its owner.").First).ToBeVisibleAsync();
        await page.LookAsync("6-paused");
        await lab.CloseAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Resume" }).ClickAsync();
        await Expect(status).ToHaveTextAsync("Running", new() { Timeout = 30_000 });
        lab = await OpenAsync(page);
        await Expect(lab.Locator(".jp-DirListing-item[title*='kept.txt']")).ToBeVisibleAsync(InTime);
        await lab.LookAsync("7-found");

        await page.GetByRole(AriaRole.Link, new() { Name = "Stop" }).ClickAsync();
        await page.LookAsync("8-stop");
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop the session" }).ClickAsync();
        await page.GotoAsync($"http://localhost:{server.Port}/");
        await Expect(page.GetByText("No session yet")).ToBeVisibleAsync(InTime);
        await Eventually.TrueAsync(async () => (await Engine.ContainersAsync(server.Installation)).Length == 0, "no container is left");
    }

    private static async Task<IPage> OpenAsync(IPage page)
    {
        Assert.True(await page.EvaluateAsync<bool>("window.neverReloaded === true"), "the page was loaded again");
        var lab = await page.RunAndWaitForPopupAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Open" }).ClickAsync());
        await Expect(lab.Locator(".jp-Launcher, .jp-Notebook").First).ToBeVisibleAsync(InTime);
        return lab;
    }

    /// <summary>A notebook whose one cell prints a product and writes a file.</summary>
    private static async Task ComputeAsync(IPage lab)
    {
        await lab.Locator(".jp-LauncherCard[data-category='Notebook']").First.ClickAsync();
        // Before its kernel is there JupyterLab takes a cell to run, and forgets it.
        await Expect(lab.GetByText("Python 3 (ipykernel) | Idle")).ToBeVisibleAsync(InTime);
        var cell = lab.Locator(".jp-Notebook .jp-CodeCell .cm-content").First;
        await cell.FillAsync(Code);
        await Expect(cell).ToHaveTextAsync(Code);
        await cell.PressAsync("Shift+Enter");
        await Expect(lab.Locator(".jp-OutputArea-output").First).ToContainTextAsync("24007", new() { Timeout = 30_000 });
    }
}
