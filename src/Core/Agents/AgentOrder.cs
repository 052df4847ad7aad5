using System.Text.Json.Serialization;
using Berth.Core.Sessions;

namespace Berth.Core.Agents;

/// <summary>
/// What the agent inside a session is told, as the file <see cref="AgentFiles.Order"/>, so that it can start the front
/// end without asking anybody. Holds no secret but the session's own: the front end's token and the SSH host key.
/// </summary>
public sealed record AgentOrder
{
    /// <summary>ULID.</summary>
    public required string SessionId { get; init; }

    /// <summary>Which start.</summary>
    public required int Generation { get; init; }

    /// <summary>Where the server is: <c>unix:/berth-session/agent.sock</c> or <c>https://…</c>.</summary>
    public required string Server { get; init; }

    /// <summary>Program and arguments of the front end, complete: the provider fills it from the image where the spec has none.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Where the front end starts; the provider fills it from the image where the spec has none.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Where the workspace is.</summary>
    public required string MountDirectory { get; init; }

    /// <summary>Port that the front end is expected on.</summary>
    public required int Port { get; init; }

    /// <summary>Path that is asked for readiness: any HTTP answer will do.</summary>
    public string ReadyPath { get; init; } = "/";

    /// <summary>All variables for the front end that are not secret, Berth's own among them.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Cloned into the workspace where they are not there yet.</summary>
    public IReadOnlyList<Repository> Repositories { get; init; } = [];

    /// <summary>Private half of the session's SSH host key (PEM); null: there are no logins by SSH.</summary>
    public string? SshHostKey { get; init; }

    /// <summary>Seconds between two looks at what the session is in use by; 0: 30.</summary>
    public int ActivitySeconds { get; init; }

    /// <summary>Its network is the machine's: what others listen on there is not the session's.</summary>
    public bool SharesNetwork { get; init; }

    /// <summary>Seconds that children have between TERM and KILL at a stop.</summary>
    public int GraceSeconds { get; init; } = 10;
}

/// <summary>Where the agent finds what, in every session.</summary>
public static class AgentFiles
{
    /// <summary>The agent's own folder (program, loader, libraries), mounted read-only.</summary>
    public const string ProgramFolder = "/berth";

    /// <summary>The program.</summary>
    public const string Program = "/berth/berth-agent";

    /// <summary>OpenSSH's server and what belongs to it.</summary>
    public const string SshFolder = "/berth/ssh";

    /// <summary>The session's folder, mounted read-only: order, token, socket.</summary>
    public const string SessionFolder = "/berth-session";

    /// <summary>File name of the order (JSON).</summary>
    public const string Order = "order.json";

    /// <summary>File name of the token.</summary>
    public const string Token = "token";

    /// <summary>
    /// File name of the certificate authorities (PEM) that the server is trusted by, where it is on another machine: images
    /// need not have any.
    /// </summary>
    public const string Authorities = "authorities.pem";

    /// <summary>File name of the server's socket, where the server is on the same machine.</summary>
    public const string Socket = "agent.sock";
}

/// <summary>Source-generated JSON of the agent's files.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(AgentOrder))]
[JsonSerializable(typeof(SessionSpec))]
[JsonSerializable(typeof(Limits))]
[JsonSerializable(typeof(LinePlace))]
public sealed partial class CoreJson : JsonSerializerContext;
