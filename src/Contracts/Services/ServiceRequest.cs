using System.Text.Json.Serialization;

namespace Berth.Contracts.Services;

/// <summary>
/// What a client asks a session's agent for, as the request of a resumable stream (<c>Tunnel/Resumable</c>) over
/// <see cref="ServiceRoutes.Connect"/>. The server passes it on, and writes its kind and <see cref="Target"/> into
/// the record of connections.
/// <para>A further service is a record here with its kind, and a class in <c>Agent/Services</c>. What follows on the stream
/// is the service's own. Fields that a service does not know are skipped; a kind it does not know is refused.</para>
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(TcpRequest), TcpRequest.KindName)]
[JsonDerivedType(typeof(PortsRequest), PortsRequest.KindName)]
[JsonDerivedType(typeof(ExecRequest), ExecRequest.KindName)]
[JsonDerivedType(typeof(TerminalRequest), TerminalRequest.KindName)]
[JsonDerivedType(typeof(TerminalsRequest), TerminalsRequest.KindName)]
[JsonDerivedType(typeof(SshRequest), SshRequest.KindName)]
[JsonDerivedType(typeof(UploadRequest), UploadRequest.KindName)]
[JsonDerivedType(typeof(DownloadRequest), DownloadRequest.KindName)]
public abstract record ServiceRequest
{
    /// <summary>What in the session it reaches, for people: a port, a command; null: the kind says all. Not on the wire.</summary>
    public virtual string? Target() => null;
}

/// <summary>A TCP connection to a port on the session's loopback: bytes both ways, an end as an end.</summary>
/// <param name="Port">1 to 65535.</param>
public sealed record TcpRequest(int Port) : ServiceRequest
{
    /// <summary>On the wire.</summary>
    public const string KindName = "tcp";

    /// <inheritdoc/>
    public override string Target() => $"port {Port}";
}

/// <summary>
/// Which ports something in the session listens on: lines of JSON, a <see cref="PortsNow"/> at once and one after each change,
/// until the client ends its direction.
/// </summary>
public sealed record PortsRequest : ServiceRequest
{
    /// <summary>On the wire.</summary>
    public const string KindName = "ports";
}

/// <summary>Ports that are listened on.</summary>
/// <param name="Ports">Ascending.</param>
public sealed record PortsNow(IReadOnlyList<int> Ports);

/// <summary>Where services are asked for.</summary>
public static class ServiceRoutes
{
    /// <summary>The port of a dial that means the agent itself.</summary>
    public const int AgentPort = 0;

    /// <summary>WebSocket below a session's address: carries one resumable stream to its agent.</summary>
    public const string Connect = "connect";

    /// <summary>Set to true in the query of <see cref="Connect"/>: the stream is still to come.</summary>
    public const string Ahead = "ahead";
}
