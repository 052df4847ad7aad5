namespace Berth.Cli.Servers;

/// <summary>Files that only their owner may read.</summary>
internal static class PrivateFile
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static void CreateFolder(string path) => Directory.CreateDirectory(path, Owner | UnixFileMode.UserExecute);

    public static void Write(string path, string text)
    {
        CreateFolder(Path.GetDirectoryName(path)!);
        var draft = Draft(path);
        try
        {
            using (var file = Create(draft))
            {
                using var writer = new StreamWriter(file);
                writer.Write(text);
            }
            File.Move(draft, path, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    /// <summary>Writes what a stream holds: all of it, or nothing.</summary>
    public static async Task WriteAsync(string path, Stream content, CancellationToken ct)
    {
        var draft = Draft(path);
        try
        {
            await using (var file = Create(draft))
            {
                await content.CopyToAsync(file, ct);
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, path, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    private static string Draft(string path) => $"{path}.{Environment.ProcessId}";

    private static FileStream Create(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.Create,
        Access = FileAccess.Write,
        UnixCreateMode = Owner,
    });
}
