using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Berth.Core.Agents;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>
/// What sessions are given by files: one folder each, mounted read-only into its containers. The parent is closed to
/// everybody else on the machine, so what is inside may be read by whatever user id the session has. The server keeps its
/// socket in the same folder; it is never touched here.
/// </summary>
internal sealed class SessionFolder(string parent)
{
    private const string Volume = "volume", Image = "image";
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode Enterable =
        Closed | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public string PathOf(string sessionId)
    {
        if (sessionId.Length == 0 || !sessionId.All(char.IsAsciiLetterOrDigit))
            throw new ArgumentException($"“{sessionId}” is not the id of a session.", nameof(sessionId));
        return Path.Combine(parent, sessionId.ToLowerInvariant());
    }

    public void Write(AgentOrder order, string token, ImagePin pin)
    {
        var folder = PathOf(order.SessionId);
        try
        {
            Directory.CreateDirectory(parent, Closed);
            if (File.GetUnixFileMode(parent) != Closed)
                File.SetUnixFileMode(parent, Closed);
            Directory.CreateDirectory(folder);
            File.SetUnixFileMode(folder, Enterable); // whatever the umask is
            Replace(Path.Combine(folder, AgentFiles.Order), JsonSerializer.SerializeToUtf8Bytes(order, CoreJson.Default.AgentOrder));
            Replace(Path.Combine(folder, AgentFiles.Token), Encoding.UTF8.GetBytes(token));
            Replace(Path.Combine(folder, Image), JsonSerializer.SerializeToUtf8Bytes(pin, DockerJson.Default.ImagePin));
        }
        catch (IOException e) when (e.HResult is 28 or 122) // ENOSPC, EDQUOT
        {
            throw new ProviderException(Reason.DiskFull, $"{folder} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Takes back what was given for one start. What a later start was given stays.</summary>
    public void Remove(SessionKey key)
    {
        var folder = PathOf(key.SessionId);
        var order = Path.Combine(folder, AgentFiles.Order);
        if (File.Exists(order) && JsonSerializer.Deserialize(File.ReadAllBytes(order), CoreJson.Default.AgentOrder)?.Generation > key.Generation)
            return;
        if (!Directory.Exists(folder))
            return;
        Delete(folder, AgentFiles.Order, AgentFiles.Token);
    }

    /// <summary>Forgets the session, but for what the server keeps in its folder.</summary>
    public void Forget(string sessionId)
    {
        var folder = PathOf(sessionId);
        if (!Directory.Exists(folder))
            return;
        Delete(folder, Volume, Image);
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }

    /// <summary>When the volume was made that was last given to the session's user; null: none was yet.</summary>
    public string? OwnedVolume(string sessionId) =>
        Path.Combine(PathOf(sessionId), Volume) is var file && File.Exists(file) ? File.ReadAllText(file) : null;

    public void SetOwnedVolume(string sessionId, string madeAt) =>
        Replace(Path.Combine(PathOf(sessionId), Volume), Encoding.UTF8.GetBytes(madeAt));

    /// <summary>With the beginnings of their names: what a crash may have left of a <see cref="Replace"/>, too.</summary>
    private static void Delete(string folder, params string[] names)
    {
        foreach (var file in Directory.EnumerateFiles(folder).Where(f => names.Any(n => Path.GetFileName(f).StartsWith(n, StringComparison.Ordinal))))
            File.Delete(file);
    }

    /// <summary>The image that the session got when it was first started here; null: none was.</summary>
    public ImagePin? Pin(string sessionId) =>
        Path.Combine(PathOf(sessionId), Image) is var file && File.Exists(file)
            ? JsonSerializer.Deserialize(File.ReadAllBytes(file), DockerJson.Default.ImagePin)
            : null;

    private static void Replace(string file, byte[] content)
    {
        var fresh = $"{file}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        File.WriteAllBytes(fresh, content);
        File.SetUnixFileMode(fresh, Readable);
        File.Move(fresh, file, overwrite: true);
    }
}
