using System.Buffers.Binary;
using System.Text;

namespace Berth.Tunnel.Resumable;

/// <summary>
/// A host's first words on each carrier: refused (1 byte, 0 or 1); then received (8) and window (4), or length (2) and the
/// reason in UTF-8.
/// </summary>
/// <param name="Received">How much the host has of the client's direction.</param>
/// <param name="Window">How much it takes ahead of its reader.</param>
/// <param name="Refusal">Why the stream is not opened, or does not go on; null: it is, or does.</param>
internal sealed record StreamAnswer(long Received, int Window, string? Refusal = null)
{
    /// <summary>Of one that is no refusal.</summary>
    public const int Length = 13;

    public static StreamAnswer Refused(string reason) => new(0, 0, reason);

    /// <exception cref="StreamRefusedException">It is a refusal.</exception>
    public static async Task<StreamAnswer> ReadAsync(Stream carrier, CancellationToken ct)
    {
        var head = new byte[12];
        await carrier.ReadExactlyAsync(head.AsMemory(0, 1), ct);
        if (head[0] != 0)
        {
            await carrier.ReadExactlyAsync(head.AsMemory(0, 2), ct);
            var reason = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
            await carrier.ReadExactlyAsync(reason, ct);
            throw new StreamRefusedException(ResumableWire.Words(reason));
        }
        await carrier.ReadExactlyAsync(head, ct);
        return new StreamAnswer(BinaryPrimitives.ReadInt64BigEndian(head), BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(8)));
    }

    public async Task WriteAsync(Stream carrier, CancellationToken ct)
    {
        var reason = Encoding.UTF8.GetBytes(Refusal ?? "");
        var length = Math.Min(reason.Length, ushort.MaxValue);
        var bytes = new byte[Refusal is null ? Length : 3 + length];
        if (Refusal is null)
        {
            BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(1), Received);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(9), Window);
        }
        else
        {
            bytes[0] = 1;
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(1), (ushort)length);
            reason.AsSpan(0, length).CopyTo(bytes.AsSpan(3));
        }
        await carrier.WriteAsync(bytes, ct);
    }
}
