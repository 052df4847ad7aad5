using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Berth.Core.Agents;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.SessionFolders;

/// <summary>
/// What sessions are given by files: one folder each, which they may read. The parent is closed to everybody else on the
/// machine, so what is inside may be read by whatever user id the session has. A file is there whole or not at all. Whoever
/// listens for the session's agent has the socket in the same folder; it is never touched here.
/// </summary>
/// <param name="parent">Holds the folders.</param>
public sealed class SessionFolder(string parent)
{
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode Enterable =
        Closed | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>The folder of a session, whether it is there or not.</summary>
    public string PathOf(string sessionId)
    {
        ArgumentNullException.ThrowIfNull(sessionId);
        if (sessionId.Length == 0 || !sessionId.All(char.IsAsciiLetterOrDigit))
            throw new ArgumentException($"“{sessionId}” is not the id of a session.", nameof(sessionId));
        return Path.Combine(parent, sessionId.ToLowerInvariant());
    }

    /// <summary>What the agent of one start is told.</summary>
    /// <exception cref="ProviderException">The disk is full.</exception>
    public void Write(AgentOrder order, string token)
    {
        ArgumentNullException.ThrowIfNull(order);
        WriteNote(order.SessionId, AgentFiles.Order, JsonSerializer.SerializeToUtf8Bytes(order, CoreJson.Default.AgentOrder));
        WriteNote(order.SessionId, AgentFiles.Token, Encoding.UTF8.GetBytes(token));
    }

    /// <summary>The order of the start that was last told; null: there is none.</summary>
    public AgentOrder? Read(string sessionId)
    {
        try
        {
            return ReadNote(sessionId, AgentFiles.Order) is { } order ? JsonSerializer.Deserialize(order, CoreJson.Default.AgentOrder) : null;
        }
        catch (JsonException)
        {
            return null; // an empty file, after a loss of power: what it was for is gone with all processes
        }
    }

    /// <summary>Takes back what was given for one start. What a later start was given stays.</summary>
    public void Remove(SessionKey key)
    {
        if (!(Read(key.SessionId)?.Generation > key.Generation))
            Delete(key.SessionId, AgentFiles.Order, AgentFiles.Token);
    }

    /// <summary>Writes something that is kept beside the order, until it is forgotten.</summary>
    /// <exception cref="ProviderException">The disk is full.</exception>
    public void WriteNote(string sessionId, string name, byte[] content)
    {
        var folder = PathOf(sessionId);
        try
        {
            Directory.CreateDirectory(parent, Closed);
            if (File.GetUnixFileMode(parent) != Closed)
                File.SetUnixFileMode(parent, Closed);
            Directory.CreateDirectory(folder);
            File.SetUnixFileMode(folder, Enterable); // whatever the umask is
            Replace(Path.Combine(folder, name), content);
        }
        catch (IOException e) when (e.HResult is 28 or 122) // ENOSPC, EDQUOT
        {
            throw new ProviderException(Reason.DiskFull, $"{folder} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>What was last written; null: nothing was.</summary>
    public byte[]? ReadNote(string sessionId, string name) =>
        Path.Combine(PathOf(sessionId), name) is var file && File.Exists(file) ? File.ReadAllBytes(file) : null;

    /// <summary>Forgets the session, but for what others keep in its folder.</summary>
    public void Forget(string sessionId, params string[] notes)
    {
        Delete(sessionId, notes);
        var folder = PathOf(sessionId);
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }

    // With what a crash has left of a Replace.
    private void Delete(string sessionId, params string[] names)
    {
        var folder = PathOf(sessionId);
        if (!Directory.Exists(folder))
            return;
        foreach (var file in Directory.EnumerateFiles(folder).Where(file => names.Any(name => IsOrDraftOf(name, Path.GetFileName(file)))))
            File.Delete(file);
    }

    private static bool IsOrDraftOf(string name, string file) => file == name || file.StartsWith($"{name}.", StringComparison.Ordinal);

    private static void Replace(string file, byte[] content)
    {
        var draft = $"{file}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        File.WriteAllBytes(draft, content);
        File.SetUnixFileMode(draft, Readable);
        File.Move(draft, file, overwrite: true);
    }
}
