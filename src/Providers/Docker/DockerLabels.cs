using System.Security.Cryptography;
using System.Text;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>Marks what is Berth's, and whose: labels of containers, volumes and networks.</summary>
internal sealed class DockerLabels(string installationId)
{
    public const string Installation = "io.berth.installation";
    public const string Session = "io.berth.session";
    public const string Generation = "io.berth.generation";

    /// <summary>What all installations' bridges are called first.</summary>
    public const string BridgePrefix = "berth";

    /// <summary>Filter term that finds everything of this installation.</summary>
    public string Ours => $"{Installation}={installationId}";

    /// <summary>
    /// Name of the installation's bridge, as network and as interface. Interface names end at 15 characters, so it is
    /// derived; being derived, two that create it at once create the same, and one of them is told so.
    /// </summary>
    public string Bridge { get; } =
        BridgePrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(installationId)))[..10];

    public Dictionary<string, string> OfInstallation() => new() { [Installation] = installationId };

    public Dictionary<string, string> OfWorkspace(string workspace, IReadOnlyDictionary<string, string> shown) =>
        new(shown) { [Installation] = installationId, [Session] = workspace };

    public Dictionary<string, string> OfContainer(SessionKey key, IReadOnlyDictionary<string, string> shown) =>
        new(shown)
        {
            [Installation] = installationId,
            [Session] = key.SessionId,
            [Generation] = key.Generation.ToString(),
        };

    public bool AreOurs(IReadOnlyDictionary<string, string>? labels) =>
        labels is not null && labels.TryGetValue(Installation, out var owner) && owner == installationId;

    /// <summary>Which start of which session the labels name; false where they are not a session's of ours.</summary>
    public bool TryReadKey(IReadOnlyDictionary<string, string>? labels, out SessionKey key)
    {
        key = default;
        if (!AreOurs(labels) || !labels!.TryGetValue(Session, out var session)
            || !labels.TryGetValue(Generation, out var text) || !int.TryParse(text, out var generation))
            return false;
        key = new SessionKey(session, generation);
        return true;
    }
}
