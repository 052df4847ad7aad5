namespace Berth.Providers.Processes;

/// <summary>
/// What sessions see of the machine's root folder: all of it, read-only, but for what each session has of its own, and for
/// the folders in which engines mount. Those mounts come and go at any moment, and bubblewrap gives up where one goes while
/// it binds a folder above it; nor is any of them a session's business.
/// </summary>
/// <param name="engines">The folders in which engines mount; such as are not there do not matter.</param>
internal sealed class RootView(IEnumerable<string> engines)
{
    // These are made anew for each session, or hold sockets and state of the machine's services.
    private static readonly string[] s_own = ["/proc", "/dev", "/sys", "/tmp", "/run", "/lost+found"];

    /// <summary>Options of bubblewrap's that make it.</summary>
    /// <param name="except">What else is made anew.</param>
    public IEnumerable<string> Arguments(params string[] except)
    {
        string[] hidden = [.. engines.Where(Directory.Exists).Select(HomeView.RealPath)];
        return
        [
            "--tmpfs", "/",
            .. Inside("/").Where(entry => entry is DirectoryInfo || entry.LinkTarget is not null)
                .Where(entry => !s_own.Contains(entry.FullName) && !except.Contains(entry.FullName)).SelectMany(entry => Show(entry, hidden)),
        ];
    }

    private static IEnumerable<string> Show(FileSystemInfo entry, string[] hidden)
    {
        var path = entry.FullName;
        if (entry.LinkTarget is { } target)
            return ["--symlink", target, path];
        if (hidden.Contains(path))
            return [];
        return hidden.Any(folder => folder.StartsWith(path + "/", StringComparison.Ordinal)) && List(path) is { } entries
            ? ["--dir", path, .. entries.SelectMany(inside => Show(inside, hidden))]
            : ["--ro-bind-try", path, path];
    }

    /// <returns>What is in a folder; null: it may not be listed, and is shown as it is.</returns>
    private static List<FileSystemInfo>? List(string folder)
    {
        try
        {
            return [.. Inside(folder)];
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static IEnumerable<FileSystemInfo> Inside(string folder) =>
        new DirectoryInfo(folder).EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal);
}
