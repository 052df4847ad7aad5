using Microsoft.Playwright;

namespace Berth.EndToEnd.Tests.House;

/// <summary>Pictures of what the browser shows, for people who look at how it looks: where BERTH_LOOKS names a folder.</summary>
internal static class Looks
{
    public static async Task LookAsync(this IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("BERTH_LOOKS") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = true });
    }
}
