using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Berth.Core.Agents;
using Berth.Core.Sessions;

namespace Berth.Providers.Processes;

/// <summary>What a session's agent is told, in the session's folder; the socket there is another's.</summary>
internal sealed class OrderFiles(string parent)
{
    private const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string FolderOf(string sessionId) => Path.Combine(parent, sessionId.ToLowerInvariant());

    public void Write(AgentOrder order, string token)
    {
        var folder = Directory.CreateDirectory(FolderOf(order.SessionId)).FullName;
        Replace(Path.Combine(folder, AgentFiles.Order), JsonSerializer.SerializeToUtf8Bytes(order, CoreJson.Default.AgentOrder));
        Replace(Path.Combine(folder, AgentFiles.Token), Encoding.UTF8.GetBytes(token));
    }

    /// <summary>Of the start that was last ordered; null: there is none.</summary>
    public AgentOrder? Read(string sessionId)
    {
        var file = Path.Combine(FolderOf(sessionId), AgentFiles.Order);
        return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllBytes(file), CoreJson.Default.AgentOrder) : null;
    }

    /// <summary>Takes back what was given for one start. What a later start was given stays.</summary>
    public void Remove(SessionKey key)
    {
        if (!Directory.Exists(FolderOf(key.SessionId)) || Read(key.SessionId)?.Generation > key.Generation)
            return;
        File.Delete(Path.Combine(FolderOf(key.SessionId), AgentFiles.Order));
        File.Delete(Path.Combine(FolderOf(key.SessionId), AgentFiles.Token));
    }

    private static void Replace(string file, byte[] content)
    {
        var fresh = $"{file}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        using (var stream = new FileStream(fresh, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Mine }))
            stream.Write(content);
        File.Move(fresh, file, overwrite: true);
    }
}
