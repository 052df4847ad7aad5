using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Providers.Docker;

/// <summary>
/// The published agent as sessions mount it: a copy in the data folder, named after its content. An upgrade of Berth
/// replaces the published one, but a session that runs goes on with the files it started with.
/// </summary>
public static class AgentBundle
{
    private const int Kept = 3;
    private const UnixFileMode EveryoneMayRead = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>Makes the copy where it is not there yet.</summary>
    /// <param name="published">The published agent's folder.</param>
    /// <param name="dataFolder">Parent of the copies.</param>
    /// <param name="time">Tells the time.</param>
    /// <returns>The folder to mount; the configured one where that holds no agent, for others to complain about.</returns>
    public static string Keep(string published, string dataFolder, TimeProvider time)
    {
        var source = new DirectoryInfo(published);
        if (!source.Exists || !source.EnumerateFileSystemInfos().Any())
            return published; // The provider says what is missing when it is needed.
        var copies = Directory.CreateDirectory(Path.Combine(dataFolder, "agents"));
        var copy = Path.Combine(copies.FullName, Fingerprint(source));
        if (!Directory.Exists(copy))
        {
            // Made beside and renamed: a copy that has its name is whole.
            var draft = $"{copy}.draft";
            if (Directory.Exists(draft))
                Directory.Delete(draft, recursive: true);
            foreach (var file in source.EnumerateFiles("*", SearchOption.AllDirectories))
            {
                var target = Path.Combine(draft, Path.GetRelativePath(source.FullName, file.FullName));
                // Whoever runs in a session reads it, whatever umask the server has.
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.SetUnixFileMode(Path.GetDirectoryName(target)!, EveryoneMayRead);
                file.CopyTo(target);
            }
            Directory.Move(draft, copy);
        }
        Directory.SetLastWriteTimeUtc(copy, time.GetUtcNow().UtcDateTime);
        foreach (var old in copies.EnumerateDirectories().OrderByDescending(c => c.LastWriteTimeUtc).Skip(Kept))
            old.Delete(recursive: true);
        return copy;
    }

    private static string Fingerprint(DirectoryInfo folder)
    {
        var list = new StringBuilder();
        foreach (var file in folder.EnumerateFiles("*", SearchOption.AllDirectories).OrderBy(file => file.FullName, StringComparer.Ordinal))
            list.Append(CultureInfo.InvariantCulture, $"{Path.GetRelativePath(folder.FullName, file.FullName)}\0{file.Length}\0{file.LastWriteTimeUtc.Ticks}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list.ToString())))[..16];
    }
}
