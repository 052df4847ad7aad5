namespace Berth.Cli.Servers;

/// <summary>This very command, for others to start.</summary>
internal static class BerthProgram
{
    private const string Name = "berth";

    /// <summary>
    /// The one on PATH, by the name that it has there, where it is this one: an update moves what the name leads to. Otherwise
    /// the file that runs.
    /// </summary>
    public static string Path(Surroundings here)
    {
        var beside = System.IO.Path.Combine(AppContext.BaseDirectory, Name);
        var named = (here.Variable("PATH") ?? "").Split(':')
            .Where(System.IO.Path.IsPathRooted).Select(folder => System.IO.Path.Combine(folder, Name))
            .FirstOrDefault(path => File.Exists(path) && Resolved(path) == Resolved(beside));
        return named ?? (File.Exists(beside) ? beside : Environment.ProcessPath ?? Name);
    }

    private static string Resolved(string path)
    {
        var file = new FileInfo(path);
        var target = file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName;
        // Folders on the way may be links as well, such as that of the version in use.
        var folder = System.IO.Path.GetDirectoryName(target)!;
        return System.IO.Path.Combine(new DirectoryInfo(folder).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder, System.IO.Path.GetFileName(target));
    }
}
