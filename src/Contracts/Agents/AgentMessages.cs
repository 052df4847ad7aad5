using System.Text.Json.Serialization;

namespace Berth.Contracts.Agents;

/// <summary>
/// What agent and server say to each other over the agent's control WebSocket (<see cref="AgentRoutes.Control"/>): JSON
/// text messages of these types; binary messages carry log bytes: 8 bytes offset (big endian), then the bytes.
/// Unknown message types are ignored, so that either side may be newer.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type", IgnoreUnrecognizedTypeDiscriminators = true)]
[JsonDerivedType(typeof(AgentHello), "hello")]
[JsonDerivedType(typeof(AgentReport), "report")]
[JsonDerivedType(typeof(AgentActivity), "activity")]
[JsonDerivedType(typeof(AgentPorts), "ports")]
[JsonDerivedType(typeof(ServerWelcome), "welcome")]
[JsonDerivedType(typeof(ServerStreams), "streams")]
[JsonDerivedType(typeof(ServerNotice), "notice")]
public record AgentMessage;

/// <summary>The agent's first message on every connection.</summary>
/// <param name="SessionId">ULID.</param>
/// <param name="Generation">Of the order it was started with.</param>
/// <param name="Version">Of the agent.</param>
/// <param name="LogStart">Offset of the first log byte it still holds.</param>
/// <param name="LogEnd">Offset behind the last log byte.</param>
/// <param name="Services">It knows dials to port 0: <c>Contracts/Services</c>. Agents of before do not.</param>
public sealed record AgentHello(string SessionId, int Generation, string Version, long LogStart, long LogEnd, bool Services = false) : AgentMessage;

/// <summary>
/// The agent's whole state, sent after hello and on every change. It is complete, not a difference, so that a server
/// that was away has missed nothing.
/// </summary>
/// <param name="Stage">preparing, starting or ready.</param>
/// <param name="Detail">What it does, such as "cloning https://…" or "waiting for an answer on port 8888".</param>
/// <param name="Ready">The front end answers HTTP.</param>
/// <param name="ExitCode">Of the front end, once it ended; 128 + signal when it was killed.</param>
/// <param name="Notices">What went wrong without failing the session.</param>
/// <param name="Failure">The session cannot go on; a <c>Reason</c> in snake case, with its words in <paramref name="Detail"/>.</param>
public sealed record AgentReport(
    string Stage, string? Detail, bool Ready, int? ExitCode, IReadOnlyList<string> Notices, string? Failure = null) : AgentMessage;

/// <summary>
/// Use of the session since the last such message; sent at most every 30 s, while there is some, and once when there is no
/// more.
/// </summary>
/// <param name="CpuCores">Average cores used by all processes of the session.</param>
/// <param name="Seconds">Over how long.</param>
/// <param name="Uses">Of <see cref="Gpu"/>, <see cref="Kernel"/>, <see cref="Terminal"/>, <see cref="Copy"/>: those that it is in use by now.</param>
public sealed record AgentActivity(double CpuCores, double Seconds, IReadOnlyList<string>? Uses = null) : AgentMessage
{
    /// <summary>A gpu works.</summary>
    public const string Gpu = "gpu";

    /// <summary>A kernel of the front end is busy.</summary>
    public const string Kernel = "kernel";

    /// <summary>A command runs in a terminal.</summary>
    public const string Terminal = "terminal";

    /// <summary>A client copies files into the session, or out of it.</summary>
    public const string Copy = "copy";
}

/// <summary>Ports that programs of the session listen on, after hello and on every change.</summary>
/// <param name="Ports">Ascending; without those that the kernel gave out to whoever asked for any.</param>
public sealed record AgentPorts(IReadOnlyList<int> Ports) : AgentMessage;

/// <summary>The server's answer to hello.</summary>
/// <param name="LogOffset">Send log bytes from here on.</param>
/// <param name="Streams">How many idle dial-back streams to keep ready.</param>
public sealed record ServerWelcome(long LogOffset, int Streams) : AgentMessage;

/// <summary>The server wants another number of idle dial-back streams.</summary>
/// <param name="Count">So many.</param>
public sealed record ServerStreams(int Count) : AgentMessage;

/// <summary>Something to tell whoever is at a terminal of the session.</summary>
/// <param name="Text">A sentence or two, without control characters.</param>
public sealed record ServerNotice(string Text) : AgentMessage;

/// <summary>
/// Routes that an agent may use, relative to its server address, and how it proves who it is:
/// <c>Authorization: Bearer &lt;token&gt;</c> on each.
/// </summary>
public static class AgentRoutes
{
    /// <summary>WebSocket: <see cref="AgentMessage"/> both ways.</summary>
    public const string Control = "/api/berth/agent/control";

    /// <summary>WebSocket: one idle dial-back stream; see Tunnel.</summary>
    public const string Stream = "/api/berth/agent/stream";

    /// <summary>
    /// Header on both: a random name that the agent gives to each control connection. Streams belong to the control
    /// connection of the same name and end with it.
    /// </summary>
    public const string ConnectionHeader = "Berth-Connection";
}
