using System.Net.WebSockets;

namespace Berth.Tunnel;

/// <summary>
/// What crosses a dial-back stream, a WebSocket of its own that the agent opened ahead of need:
/// <list type="number">
/// <item>server → agent: one message of 2 bytes, the port (big endian), 0 for the agent itself; it need not wait for the answer;</item>
/// <item>agent → server: one byte, a <see cref="DialStatus"/>, before all else; who refuses drops what comes until the server closes;</item>
/// <item>bytes both ways in binary messages, whose borders mean nothing. A Close frame ends one direction; its status says how.</item>
/// </list>
/// </summary>
internal static class TunnelWire
{
    public const int HeaderLength = 2;

    /// <summary>A direction ended as a TCP stream ends with FIN.</summary>
    public const WebSocketCloseStatus Ended = WebSocketCloseStatus.NormalClosure;

    /// <summary>The sender will not read any more either: what it has sent is to be delivered, then everything closed.</summary>
    public const WebSocketCloseStatus Gone = WebSocketCloseStatus.EndpointUnavailable;

    /// <summary>The connection behind the sender was reset: what was read so far is not the whole.</summary>
    public const WebSocketCloseStatus Reset = WebSocketCloseStatus.InternalServerError;
}

/// <summary>The agent's answer to a dial.</summary>
public enum DialStatus : byte
{
    /// <summary>Connected; bytes follow.</summary>
    Connected = 0,
    /// <summary>Nothing listens on the port.</summary>
    Refused = 1,
    /// <summary>It could not be connected to for another reason.</summary>
    Failed = 2,
}

/// <summary>A port inside a session could not be connected to; the agent itself is well.</summary>
public sealed class DialRefusedException(int port, DialStatus status) : IOException(
    status == DialStatus.Refused ? $"Nothing listens on port {port} of the session." : $"Port {port} of the session cannot be connected to.")
{
    /// <summary>The port that was dialled.</summary>
    public int Port { get; } = port;

    /// <summary>What the agent said.</summary>
    public DialStatus Status { get; } = status;
}

/// <summary>The session's agent is of an earlier version, and does not know what it is asked for.</summary>
public sealed class AgentTooOldException() : IOException(
    "The session runs an agent of an earlier version, which cannot do this yet. Pause the session and resume it to get the new one.");

/// <summary>No agent of the session is connected, or it went away during the dial.</summary>
public sealed class AgentNotConnectedException(string message, Exception? inner = null) : IOException(message, inner);
