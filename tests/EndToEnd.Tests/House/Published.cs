namespace Berth.EndToEnd.Tests.House;

/// <summary>The programs as they are published to users.</summary>
internal static class Published
{
    /// <summary>The repository.</summary>
    public static string Root { get; } = FindRoot();

    public static string Command { get; } = Program("berth");

    public static string Server { get; } = Program("server/berth-server");

    private static string Program(string name)
    {
        var path = Path.Combine(Root, "artifacts/publish/berth", name);
        return File.Exists(path) ? path : throw new InvalidOperationException($"{path} is not there: run deploy/publish first, or ./test.");
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Berth.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests are not inside the repository.");
        return folder;
    }
}
