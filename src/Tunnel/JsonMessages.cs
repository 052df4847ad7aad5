using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Berth.Tunnel;

/// <summary>JSON messages over a control connection: one a WebSocket message, of bounded length.</summary>
public static class JsonMessages
{
    private const int UsualLength = 16 * 1024;

    /// <summary>Sends one.</summary>
    public static async Task SendAsync<T>(this WebSocket socket, T message, JsonTypeInfo<T> type, CancellationToken ct) =>
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message, type), WebSocketMessageType.Text, true, ct);

    /// <summary>The next one.</summary>
    /// <param name="socket">Where from.</param>
    /// <param name="type">Of what.</param>
    /// <param name="longest">Bytes.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>Null at the end.</returns>
    /// <exception cref="IOException">It is longer.</exception>
    /// <exception cref="JsonException">It cannot be read.</exception>
    public static async Task<T?> ReceiveAsync<T>(this WebSocket socket, JsonTypeInfo<T> type, int longest, CancellationToken ct)
        where T : class
    {
        var buffer = new byte[Math.Min(UsualLength, longest)];
        for (var filled = 0; ;)
        {
            if (filled == buffer.Length)
            {
                if (filled == longest)
                    throw new IOException("The message is too long.");
                Array.Resize(ref buffer, Math.Min(filled * 4, longest));
            }
            var part = await socket.ReceiveAsync(buffer.AsMemory(filled), ct);
            if (part.MessageType == WebSocketMessageType.Close)
                return null;
            filled += part.Count;
            if (part.EndOfMessage)
                return JsonSerializer.Deserialize(buffer.AsSpan(0, filled), type);
        }
    }
}
