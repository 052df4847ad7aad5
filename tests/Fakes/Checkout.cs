namespace Berth.Fakes;

/// <summary>What the tests find beside their sources.</summary>
public static class Checkout
{
    /// <summary>Its folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A file or folder of it.</summary>
    /// <exception cref="InvalidOperationException">It is not there.</exception>
    public static string Published(string name)
    {
        var path = Path.Combine(Root, "artifacts/publish", name);
        return Path.Exists(path) ? path : throw new InvalidOperationException($"{path} is not there: run deploy/publish first, or ./test.");
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Berth.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        return folder;
    }
}
