using System.Buffers.Binary;
using System.Text;

namespace Berth.Contracts.Services;

/// <summary>What a frame says.</summary>
public enum ProcessFrameKind : byte
{
    /// <summary>Client: bytes for the process; none: there are no more.</summary>
    Input = 0,
    /// <summary>Client: a signal's number (1 byte), as Linux counts.</summary>
    Signal = 1,
    /// <summary>Client: the terminal's rows and columns (2 bytes each).</summary>
    Resize = 2,
    /// <summary>Client: something else was written on the screen: the end of what it showed is wanted again.</summary>
    Show = 3,
    /// <summary>A page, to the server: so many bytes of what came (4 bytes), frames and all, are on its screen.</summary>
    Shown = 4,
    /// <summary>A page, to the server: whether the line still carries anything.</summary>
    Ping = 5,

    /// <summary>Agent: bytes from the process, its terminal's if it has one.</summary>
    Output = 16,
    /// <summary>Agent: bytes from its standard error; never with a terminal.</summary>
    Error = 17,
    /// <summary>Agent: so many bytes of input (4 bytes) are with the process.</summary>
    Taken = 18,
    /// <summary>Agent: the process is over: its exit code (4 bytes, 128 + signal where one ended it), then why, in UTF-8, where it could not be run.</summary>
    Exit = 19,
    /// <summary>Agent: the terminal's name in UTF-8, first of all.</summary>
    Name = 20,
    /// <summary>Agent: the screen is to be cleared; the end of what it showed follows as output.</summary>
    Clear = 21,
    /// <summary>Agent: another client has the terminal now.</summary>
    TakenOver = 22,
    /// <summary>The server, to a page: first of all, and whenever it asks by <see cref="Ping"/>.</summary>
    Pong = 23,
}

/// <summary>One frame.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Payload">Valid until the next one is read.</param>
public readonly record struct ProcessFrame(ProcessFrameKind Kind, ReadOnlyMemory<byte> Payload);

/// <summary>
/// A process's streams on one byte stream. A frame is its kind (1 byte), the length of its payload (4 bytes, big-endian as all
/// numbers), and the payload, at most <see cref="MaximumPayload"/>.
/// <para>A client has at most <see cref="InputWindow"/> bytes of input on their way, so that a process that reads nothing does not
/// hold up the signal behind them. Output needs no such thing: who reads it slowly slows the process down.</para>
/// </summary>
/// <param name="stream">To the other side; one reads and several write.</param>
public sealed class ProcessFrames(Stream stream) : IDisposable
{
    /// <summary>Bytes in front of a payload.</summary>
    public const int Head = 5;

    /// <summary>Bytes.</summary>
    public const int MaximumPayload = 64 * 1024;

    /// <summary>Bytes of input that are not yet <see cref="ProcessFrameKind.Taken"/>.</summary>
    public const int InputWindow = 1024 * 1024;

    private readonly SemaphoreSlim _turn = new(1);
    private readonly byte[] _in = new byte[Head + MaximumPayload];
    private readonly byte[] _out = new byte[Head + MaximumPayload];

    /// <summary>The next frame; null: there are no more.</summary>
    /// <exception cref="IOException">It is none, or cut off.</exception>
    public async ValueTask<ProcessFrame?> ReadAsync(CancellationToken ct)
    {
        var got = await stream.ReadAtLeastAsync(_in.AsMemory(0, Head), Head, throwOnEndOfStream: false, ct);
        if (got == 0)
            return null;
        var length = got < Head ? -1 : BinaryPrimitives.ReadInt32BigEndian(_in.AsSpan(1));
        if (length is < 0 or > MaximumPayload)
            throw new IOException("The other side sent something that is no frame of a process.");
        await stream.ReadExactlyAsync(_in.AsMemory(Head, length), ct);
        return new ProcessFrame((ProcessFrameKind)_in[0], _in.AsMemory(Head, length));
    }

    /// <summary>Sends a payload of any length, in as many frames as it needs.</summary>
    public async Task WriteAsync(ProcessFrameKind kind, ReadOnlyMemory<byte> payload, CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            do
            {
                var part = payload[..Math.Min(payload.Length, MaximumPayload)];
                payload = payload[part.Length..];
                _out[0] = (byte)kind;
                BinaryPrimitives.WriteInt32BigEndian(_out.AsSpan(1), part.Length);
                part.CopyTo(_out.AsMemory(Head));
                await stream.WriteAsync(_out.AsMemory(0, Head + part.Length), ct);
            }
            while (payload.Length > 0);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Frees what waiting needs.</summary>
    public void Dispose() => _turn.Dispose();

    /// <summary>A number as payload of <see cref="ProcessFrameKind.Taken"/>.</summary>
    public static byte[] Number(int number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }

    /// <summary>The number in front of a payload.</summary>
    public static int Number(ReadOnlyMemory<byte> payload) => BinaryPrimitives.ReadInt32BigEndian(payload.Span);

    /// <summary>Payload of <see cref="ProcessFrameKind.Exit"/>.</summary>
    public static byte[] Exit(int code, string? reason = null) => [.. Number(code), .. Encoding.UTF8.GetBytes(reason ?? "")];

    /// <summary>What a process's end says.</summary>
    public static (int Code, string? Reason) Exit(ReadOnlyMemory<byte> payload) =>
        (Number(payload), payload.Length > 4 ? Encoding.UTF8.GetString(payload.Span[4..]) : null);

    /// <summary>Payload of <see cref="ProcessFrameKind.Resize"/>.</summary>
    public static byte[] Size(TerminalSize size)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, size.Rows);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), size.Columns);
        return bytes;
    }

    /// <summary>The size that a payload says.</summary>
    public static TerminalSize Size(ReadOnlyMemory<byte> payload) =>
        new(BinaryPrimitives.ReadUInt16BigEndian(payload.Span), BinaryPrimitives.ReadUInt16BigEndian(payload.Span[2..]));
}
