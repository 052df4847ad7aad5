namespace Berth.Server.Proxy.Pages;

/// <summary>Style and script of the pages, as files beside them and inside the program.</summary>
public static class PageAssets
{
    /// <summary>For every page.</summary>
    public static string Style { get; } = Read("session-page.css");

    /// <summary>For a page that waits.</summary>
    public static string Script { get; } = Read("session-page.js");

    private static string Read(string name)
    {
        using var stream = typeof(PageAssets).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not in the program.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
