using System.Buffers.Binary;
using System.Text;

namespace Berth.Tunnel.Resumable;

/// <summary>
/// What crosses a carrier (any byte stream) of a resumable stream. Numbers are big endian.
/// <list type="number">
/// <item>client → host: a <see cref="StreamHello"/>;</item>
/// <item>host → client: a <see cref="StreamAnswer"/>;</item>
/// <item>frames both ways, the client's of a new stream before the answer, too: type (1 byte), length (4), payload.</item>
/// </list>
/// Bytes of DATA frames are counted from 0 in each direction; no frame carries its number, because a carrier keeps the order
/// and both sides say at its beginning what they have. The end of a direction counts as one more byte.
/// </summary>
internal static class ResumableWire
{
    public const byte Version = 1;
    public const int HeaderLength = 5;

    /// <summary>Of a whole frame: a size of pooled arrays.</summary>
    public const int MaximumFrame = 64 * 1024;

    /// <summary>
    /// Bytes that any host takes of a stream ahead of its answer. A client says them right behind its first words; of a stream
    /// that the host may know already it waits for the answer.
    /// </summary>
    public const int EarlyWindow = 64 * 1024;

    /// <summary>Of frames other than DATA.</summary>
    public const int MaximumControl = 1024;

    /// <summary>What the other side says for people. It is believed in nothing: programs of a session may be speaking, to a terminal.</summary>
    public static string Words(ReadOnlySpan<byte> utf8) => string.Concat(Encoding.UTF8.GetString(utf8).Where(c => !char.IsControl(c)));

    public static void WriteHeader(Span<byte> at, FrameType type, int length)
    {
        at[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(at[1..], length);
    }
}

/// <summary>Types of frames.</summary>
internal enum FrameType : byte
{
    /// <summary>Bytes.</summary>
    Data = 1,
    /// <summary>8 bytes: up to here everything was taken by this side's reader. Also the answer to a ping.</summary>
    Ack = 2,
    /// <summary>No more DATA in this direction.</summary>
    Fin = 3,
    /// <summary>UTF-8: why the stream is over, both ways, now.</summary>
    Reset = 4,
    /// <summary>Is anybody there?</summary>
    Ping = 5,
}

/// <summary>The peer, or who relays it, does not keep to the protocol.</summary>
internal sealed class ProtocolException(string message) : IOException(message);

/// <summary>The host does not give, or does not have, what a client asked for. Asking again changes nothing.</summary>
public sealed class StreamRefusedException(string message) : Exception(message);

/// <summary>A resumable stream is over before its end: reset by the peer, or without a carrier for too long.</summary>
public sealed class StreamLostException(string message, Exception? inner = null) : IOException(message, inner);
