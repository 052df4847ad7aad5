namespace Berth.Cli.Servers;

/// <summary>This very command, for others to start.</summary>
internal static class BerthProgram
{
    private const string Name = "berth";

    /// <summary>
    /// By a name that an update leaves valid, if it can be had: the one on PATH, where that is this command, or the one that it
    /// was started by. What these lead to is another folder for each version.
    /// </summary>
    public static string Path(Surroundings here)
    {
        var beside = System.IO.Path.Combine(AppContext.BaseDirectory, Name);
        string?[] names = [here.FindProgram(Name), Started(here)];
        return names.FirstOrDefault(name => File.Exists(name) && Resolved(name) == Resolved(beside)) ?? (File.Exists(beside) ? beside : Environment.ProcessPath ?? Name);
    }

    // The script of that name starts the program beside it, by the path that it was called by itself (proc(5)).
    private static string? Started(Surroundings here)
    {
        var program = File.ReadAllText("/proc/self/cmdline").Split('\0')[0];
        return System.IO.Path.GetDirectoryName(System.IO.Path.Combine(here.WorkingFolder, program)) is { } folder ? System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, Name)) : null;
    }

    /// <summary>Where a file is, links of its own and of its folder followed.</summary>
    private static string Resolved(string path)
    {
        var file = new FileInfo(path);
        var target = file.LinkTarget is null ? file.FullName : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        var folder = new DirectoryInfo(System.IO.Path.GetDirectoryName(target)!);
        return System.IO.Path.Combine(folder.LinkTarget is null ? folder.FullName : folder.ResolveLinkTarget(returnFinalTarget: true)!.FullName, System.IO.Path.GetFileName(target));
    }
}
