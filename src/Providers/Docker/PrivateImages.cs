using System.Security.Cryptography;
using System.Text;

namespace Berth.Providers.Docker;

/// <summary>
/// Remembers which images of the engine's cache are private, and to whom their registry gave them, for when that registry
/// cannot be asked. One small file an image: what is remembered is about this machine's cache, and is kept where that is.
/// </summary>
internal sealed class PrivateImages(string folder)
{
    private readonly Lock writing = new();

    public bool IsPrivate(string imageId) => File.Exists(FileOf(imageId));

    public bool MayUse(string imageId, string user) =>
        File.Exists(FileOf(imageId)) && File.ReadAllLines(FileOf(imageId)).Contains(user, StringComparer.Ordinal);

    /// <summary>The registry gave or refused it, with more than a stranger has.</summary>
    public void Remember(string imageId, string user, bool mayUse)
    {
        lock (writing)
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var file = FileOf(imageId);
            string[] others = File.Exists(file) ? [.. File.ReadAllLines(file).Where(line => line != user)] : [];
            var fresh = file + ".new";
            File.WriteAllLines(fresh, mayUse && user.Length > 0 ? [.. others, user] : others);
            File.Move(fresh, file, overwrite: true);
        }
    }

    /// <summary>Anybody may read it.</summary>
    public void Forget(string imageId)
    {
        lock (writing)
        {
            if (IsPrivate(imageId))
                File.Delete(FileOf(imageId));
        }
    }

    private string FileOf(string imageId) =>
        Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(imageId)))[..32]);
}
