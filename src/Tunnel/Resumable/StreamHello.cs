using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Berth.Tunnel.Resumable;

/// <summary>
/// A client's first words on each carrier: version (1 byte), whether it goes on (1, 0 or 1), id (16), secret (32), received
/// (8), window (4), length of the request (4), request. The client draws id and secret, so that a repeated opening whose answer was lost is known as such.
/// Whoever relays may read it, and passes it on with <see cref="WriteAsync"/>.
/// </summary>
/// <param name="Id">Names the stream; no secret.</param>
/// <param name="Secret">Proves whose it is.</param>
/// <param name="Received">How much the client has of the other direction.</param>
/// <param name="Window">How much it takes ahead of its reader.</param>
/// <param name="GoesOn">The host has accepted it before: where it is not known any more, none is made.</param>
/// <param name="Request">What the stream is for; said each time, for whoever relays.</param>
public sealed record StreamHello(Guid Id, ReadOnlyMemory<byte> Secret, long Received, int Window, bool GoesOn, ReadOnlyMemory<byte> Request)
{
    private const int IdLength = 16;
    private const int SecretLength = 32;
    private const int Start = 2;
    private const int FixedLength = Start + IdLength + SecretLength + 8 + 4 + 4;
    private const int MaximumRequest = 256 * 1024;

    /// <summary>For a stream that is new.</summary>
    public static StreamHello New(ReadOnlyMemory<byte> request, int window) =>
        new(new Guid(RandomNumberGenerator.GetBytes(IdLength)), RandomNumberGenerator.GetBytes(SecretLength), 0, window, GoesOn: false, request);

    /// <exception cref="IOException">It is none, or the carrier was lost.</exception>
    public static async Task<StreamHello> ReadAsync(Stream carrier, CancellationToken ct)
    {
        var head = new byte[FixedLength];
        await carrier.ReadExactlyAsync(head.AsMemory(0, 1), ct);
        if (head[0] != ResumableWire.Version)
            throw new ProtocolException($"Version {head[0]} of the protocol of resumable streams is not known here.");
        await carrier.ReadExactlyAsync(head.AsMemory(1), ct);
        var numbers = head.AsSpan(Start + IdLength + SecretLength);
        var (received, window, length) = (
            BinaryPrimitives.ReadInt64BigEndian(numbers), BinaryPrimitives.ReadInt32BigEndian(numbers[8..]), BinaryPrimitives.ReadInt32BigEndian(numbers[12..]));
        if (received < 0 || window <= 0 || length is < 0 or > MaximumRequest)
            throw new ProtocolException("The first words of a resumable stream are malformed.");
        var request = new byte[length];
        await carrier.ReadExactlyAsync(request, ct);
        return new StreamHello(new Guid(head.AsSpan(Start, IdLength)), head.AsMemory(Start + IdLength, SecretLength), received, window, head[1] != 0, request);
    }

    /// <summary>Says it.</summary>
    public async Task WriteAsync(Stream carrier, CancellationToken ct)
    {
        var bytes = new byte[FixedLength + Request.Length];
        bytes[0] = ResumableWire.Version;
        bytes[1] = GoesOn ? (byte)1 : (byte)0;
        Id.TryWriteBytes(bytes.AsSpan(Start));
        Secret.CopyTo(bytes.AsMemory(Start + IdLength));
        var numbers = bytes.AsSpan(Start + IdLength + SecretLength);
        BinaryPrimitives.WriteInt64BigEndian(numbers, Received);
        BinaryPrimitives.WriteInt32BigEndian(numbers[8..], Window);
        BinaryPrimitives.WriteInt32BigEndian(numbers[12..], Request.Length);
        Request.CopyTo(bytes.AsMemory(FixedLength));
        await carrier.WriteAsync(bytes, ct);
    }

    /// <summary>Whether it proves to be the one who opened the stream. Takes as long whether it does or not.</summary>
    internal bool Proves(ReadOnlyMemory<byte> secret) => CryptographicOperations.FixedTimeEquals(Secret.Span, secret.Span);
}
