using System.Buffers.Binary;
using System.Text;

namespace Berth.Tunnel.Resumable;

/// <summary>What goes onto a carrier next, and how control frames are written and read.</summary>
/// <param name="ControlLength">Bytes of control frames in the buffer that was given.</param>
/// <param name="Data">One frame of data, or nothing.</param>
/// <param name="IsLast">Nothing comes after it.</param>
internal readonly record struct Outgoing(int ControlLength, ReadOnlyMemory<byte> Data, bool IsLast)
{
    public static int WriteAck(Span<byte> into, long upTo)
    {
        ResumableWire.WriteHeader(into, FrameType.Ack, sizeof(long));
        BinaryPrimitives.WriteInt64BigEndian(into[ResumableWire.HeaderLength..], upTo);
        return ResumableWire.HeaderLength + sizeof(long);
    }

    public static int WriteEmpty(Span<byte> into, FrameType type)
    {
        ResumableWire.WriteHeader(into, type, 0);
        return ResumableWire.HeaderLength;
    }

    public static int WriteReset(Span<byte> into, string reason)
    {
        Encoding.UTF8.TryGetBytes(reason.AsSpan(0, Math.Min(reason.Length, ResumableWire.MaximumControl / 4)), into[ResumableWire.HeaderLength..], out var length);
        ResumableWire.WriteHeader(into, FrameType.Reset, length);
        return ResumableWire.HeaderLength + length;
    }

    public static long ReadAck(ReadOnlySpan<byte> payload) => payload.Length == sizeof(long)
        ? BinaryPrimitives.ReadInt64BigEndian(payload)
        : throw new ProtocolException("An acknowledgement is malformed.");

    public static string ReadReset(ReadOnlySpan<byte> payload) => ResumableWire.Words(payload);
}
