using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text.Json;
using Berth.Contracts.Agents;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Server.Agents;

/// <summary>
/// Reads what an agent says. Its words are not trusted: any process of the session can speak for it, so sizes are bounded
/// and what cannot be read ends the connection.
/// </summary>
internal sealed class ControlReader(WebSocket socket)
{
    private const int OffsetBytes = 8;
    private const int UsualMessage = 4096;
    private const int LongestMessage = 256 * 1024;
    private const int LongestText = 2000;
    private const int MostNotices = 50;
    private const int MostPorts = 50;

    private byte[] _buffer = [];

    /// <summary>The agent ended the connection as one ends it who has nothing left to say.</summary>
    public bool Closed { get; private set; }

    /// <summary>The next message; null at the end of the connection, however it came.</summary>
    public async Task<Heard?> ReadAsync(CancellationToken ct)
    {
        try
        {
            // Thousands of agents say nothing most of the time: while they do, nothing is held for what they may say.
            _buffer = [];
            var part = await socket.ReceiveAsync(Memory<byte>.Empty, ct);
            _buffer = new byte[UsualMessage];
            for (var filled = 0; ;)
            {
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    Closed = true;
                    // The answer tells the agent that all it sent before was taken.
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ct);
                    return null;
                }
                filled += part.Count;
                if (part.EndOfMessage)
                    return Read(part.MessageType, _buffer.AsMemory(0, filled)) ?? await RefuseAsync(WebSocketCloseStatus.InvalidPayloadData, ct);
                if (filled == LongestMessage)
                    return await RefuseAsync(WebSocketCloseStatus.MessageTooBig, ct);
                if (filled == _buffer.Length)
                    Array.Resize(ref _buffer, Math.Min(filled * 4, LongestMessage));
                part = await socket.ReceiveAsync(_buffer.AsMemory(filled), ct);
            }
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }

    private static Heard? Read(WebSocketMessageType type, ReadOnlyMemory<byte> message)
    {
        if (type == WebSocketMessageType.Binary)
        {
            if (message.Length < OffsetBytes)
                return null;
            var offset = BinaryPrimitives.ReadInt64BigEndian(message.Span);
            return offset < 0 ? null : new Logged(offset, message[OffsetBytes..]);
        }
        try
        {
            return JsonSerializer.Deserialize(message.Span, AgentJson.Default.AgentMessage) is { } said ? new Said(Bounded(said)) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static AgentMessage Bounded(AgentMessage message) => message switch
    {
        AgentReport report => report with
        {
            Stage = Bounded(report.Stage),
            Detail = report.Detail is { } detail ? Bounded(detail) : null,
            Failure = report.Failure is { } failure ? Bounded(failure) : null,
            Notices = [.. report.Notices.Take(MostNotices).Select(Bounded)],
        },
        AgentPorts ports => new AgentPorts([.. ports.Ports.Where(port => port is > 0 and <= 65535).Take(MostPorts)]),
        _ => message,
    };

    // It is shown on terminals, too.
    private static string Bounded(string text) => LogText.Plain(text.Length <= LongestText ? text : text[..LongestText]);

    private async Task<Heard?> RefuseAsync(WebSocketCloseStatus status, CancellationToken ct)
    {
        await socket.CloseOutputAsync(status, null, ct);
        return null;
    }

    /// <summary>Something an agent said.</summary>
    public abstract record Heard;

    /// <summary>A message.</summary>
    public sealed record Said(AgentMessage Message) : Heard;

    /// <summary>Bytes of the session's log; valid until the next read.</summary>
    public sealed record Logged(long Offset, ReadOnlyMemory<byte> Bytes) : Heard;
}
