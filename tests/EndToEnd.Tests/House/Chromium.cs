using Berth.Contracts.Client;
using Microsoft.Playwright;

namespace Berth.EndToEnd.Tests.House;

/// <summary>A real Chromium, started when the first test asks for it.</summary>
public sealed class Chromium : IAsyncDisposable
{
    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    private readonly SemaphoreSlim _turn = new(1);
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>A browser of a new user: no cookies, nothing cached.</summary>
    /// <param name="anyAuthority">The server's certificate is of an authority that the browser does not know.</param>
    public async Task<IBrowserContext> NewAsync(bool anyAuthority = false)
    {
        var browser = await BrowserAsync();
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = 1280, Height = 900 }, IgnoreHTTPSErrors = anyAuthority });
        context.SetDefaultTimeout(20_000);
        return context;
    }

    /// <summary>A page that is signed in by a one-time link.</summary>
    public async Task<IPage> SignInAsync(ApiClient api, bool anyAuthority = false)
    {
        var page = await (await NewAsync(anyAuthority)).NewPageAsync();
        await page.GotoAsync((await api.CreateSignInLinkAsync(TestContext.Current.CancellationToken)).Url);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.CloseAsync();
        _playwright?.Dispose();
        _turn.Dispose();
    }

    private async Task<IBrowser> BrowserAsync()
    {
        await _turn.WaitAsync();
        try
        {
            _playwright ??= await Playwright.CreateAsync();
            return _browser ??= await _playwright.Chromium.LaunchAsync(new()
            {
                ExecutablePath = Places.FirstOrDefault(File.Exists) ?? throw new InvalidOperationException("Chromium is not installed. On Debian: apt-get install chromium"),
                Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
            });
        }
        finally
        {
            _turn.Release();
        }
    }
}
