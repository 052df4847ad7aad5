using System.Text;
using System.Text.Json;
using Berth.Providers.SessionFolders;

namespace Berth.Providers.Docker;

/// <summary>What is remembered of a session from one start to the next, beside the order in its folder.</summary>
internal sealed class SessionNotes(SessionFolder folder)
{
    private const string Volume = "volume", Image = "image";

    /// <summary>The image that the session got when it was first started here; null: none was.</summary>
    public ImagePin? Pin(string sessionId) =>
        folder.ReadNote(sessionId, Image) is { } pin ? JsonSerializer.Deserialize(pin, DockerJson.Default.ImagePin) : null;

    public void SetPin(string sessionId, ImagePin pin) =>
        folder.WriteNote(sessionId, Image, JsonSerializer.SerializeToUtf8Bytes(pin, DockerJson.Default.ImagePin));

    /// <summary>When the volume was made that was last given to the session's user; null: none was yet.</summary>
    public string? OwnedVolume(string sessionId) => folder.ReadNote(sessionId, Volume) is { } madeAt ? Encoding.UTF8.GetString(madeAt) : null;

    public void SetOwnedVolume(string sessionId, string madeAt) => folder.WriteNote(sessionId, Volume, Encoding.UTF8.GetBytes(madeAt));

    /// <summary>Forgets the session.</summary>
    public void Forget(string sessionId) => folder.Forget(sessionId, Volume, Image);
}
