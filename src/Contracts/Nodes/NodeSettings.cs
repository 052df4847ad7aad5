namespace Berth.Contracts.Nodes;

/// <summary>How a machine joins: written by <c>berth node join</c> into the node's data folder, read by <c>berth-node</c>.</summary>
/// <param name="Server">The server's address.</param>
/// <param name="Name">As people shall call the machine.</param>
/// <param name="Offer">What it offers.</param>
/// <param name="Engine">Its engine's API; null: <c>DOCKER_HOST</c>, then the usual places.</param>
/// <param name="Processes">Sessions are processes of the user who runs the node: without an engine, and without its walls.</param>
public sealed record NodeSettings(string Server, string Name, NodeOffer Offer, string? Engine = null, bool Processes = false);

/// <summary>As what it has joined; kept beside the settings.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Name">As the server knows it.</param>
/// <param name="Installation">What everything that it starts is labelled with.</param>
public sealed record NodeIdentity(string Id, string Name, string Installation);

/// <summary>Files of a node's data folder, and how its program is told things.</summary>
public static class NodeFiles
{
    /// <summary><see cref="NodeSettings"/> (JSON).</summary>
    public const string Settings = "node.json";

    /// <summary><see cref="NodeIdentity"/> (JSON); not there before it joined.</summary>
    public const string Identity = "identity.json";

    /// <summary>The node's token, of mode 600.</summary>
    public const string Token = "token";

    /// <summary>The certificate authorities that the server is trusted by (PEM), and no others; not there: the system's.</summary>
    public const string Authorities = "authorities.pem";

    /// <summary>Variable of the join token.</summary>
    public const string JoinToken = "BERTH_JOIN_TOKEN";

    /// <summary>Variable of the published agent's folder, where it is not beside the program.</summary>
    public const string AgentFolder = "BERTH_NODE_AGENT";
}
