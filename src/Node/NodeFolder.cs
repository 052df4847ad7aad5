using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;

namespace Berth.Node;

/// <summary>The data folder of a node, of one process at a time.</summary>
internal sealed class NodeFolder : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly FileStream _lock;

    private NodeFolder(string path, string agentFolder, FileStream held)
    {
        (Path, AgentFolder, _lock) = (path, agentFolder, held);
        Settings = Read(NodeFiles.Settings, NodeJson.Default.NodeSettings)
            ?? throw new NodeException(NodeException.BadConfiguration, $"{path} is no node's data folder: it has no {NodeFiles.Settings}. Make it with `berth node join`.");
        Identity = Read(NodeFiles.Identity, NodeJson.Default.NodeIdentity);
    }

    public string Path { get; }

    public NodeSettings Settings { get; }

    /// <summary>Null: it has not joined yet.</summary>
    public NodeIdentity? Identity { get; private set; }

    /// <summary>The node's token.</summary>
    public string Token => File.ReadAllText(At(NodeFiles.Token)).Trim();

    /// <summary>PEM file; null: the system's.</summary>
    public string? Authorities => File.Exists(At(NodeFiles.Authorities)) ? At(NodeFiles.Authorities) : null;

    /// <summary>One folder a session. Short, for socket paths end at 107 bytes.</summary>
    public string SessionsFolder => At("s");

    public string ImagesFolder => At("images");

    /// <summary>The published agent.</summary>
    public string AgentFolder { get; }

    /// <exception cref="NodeException">It is none, or in use.</exception>
    public static NodeFolder Open(string path, string agentFolder)
    {
        var whole = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(whole))
            throw new NodeException(NodeException.BadConfiguration, $"There is no folder {whole}. Make it with `berth node join`.");
        FileStream held;
        try
        {
            held = new FileStream(System.IO.Path.Combine(whole, "lock"), new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.None, UnixCreateMode = Owner });
        }
        catch (IOException e)
        {
            throw new NodeException(NodeException.Unavailable, $"A node runs already with {whole}: stop it first, or choose another folder with --data.", e);
        }

        try
        {
            return new NodeFolder(whole, agentFolder, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>What it offers, as it is told now.</summary>
    public NodeOffer Offer => (Read(NodeFiles.Settings, NodeJson.Default.NodeSettings) ?? Settings).Offer;

    /// <summary>The node's token, made where there is none. It is kept before it is told to the server, whose answer may be lost.</summary>
    public string EnsureToken()
    {
        if (!File.Exists(At(NodeFiles.Token)))
            Write(NodeFiles.Token, NodeSecret.New());
        return Token;
    }

    /// <summary>Keeps as what it has joined.</summary>
    public void Keep(NodeIdentity identity)
    {
        Write(NodeFiles.Identity, JsonSerializer.Serialize(identity, NodeJson.Default.NodeIdentity));
        Identity = identity;
    }

    public void Dispose() => _lock.Dispose();

    private string At(string name) => System.IO.Path.Combine(Path, name);

    private T? Read<T>(string name, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return File.Exists(At(name)) ? JsonSerializer.Deserialize(File.ReadAllText(At(name)), type) : null;
        }
        catch (JsonException e)
        {
            throw new NodeException(NodeException.BadConfiguration, $"{At(name)} cannot be read: {e.Message}", e);
        }
    }

    private void Write(string name, string text)
    {
        // Written beside and moved: a file that exists is always whole.
        var draft = At(name + ".new");
        File.Delete(draft);
        using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Owner }))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, At(name), overwrite: true);
    }
}
