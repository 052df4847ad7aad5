using System.Buffers.Binary;
using System.Threading.Channels;
using Berth.Files.Wire;

namespace Berth.Files;

/// <summary>What is there of a file.</summary>
/// <param name="Length">Bytes; 0: nothing.</param>
/// <param name="Hash">Their SHA-256.</param>
internal sealed record PartThere(long Length, byte[] Hash);

/// <summary>What a receiver says to a sender.</summary>
internal sealed class Answers(CopyReport report)
{
    private readonly Channel<PartThere?> _parts = Channel.CreateUnbounded<PartThere?>();

    /// <summary>The answer about the file that was asked for; null: it is not wanted.</summary>
    public ValueTask<PartThere?> NextAsync(CancellationToken ct) => _parts.Reader.ReadAsync(ct);

    /// <summary>Hears until the receiver has all.</summary>
    /// <param name="frames">From it.</param>
    /// <param name="over">Cancelled when it takes no more.</param>
    /// <exception cref="CopyFailedException">It cannot take more.</exception>
    /// <exception cref="IOException">The stream is lost.</exception>
    public async Task HearAsync(Frames frames, CancellationTokenSource over)
    {
        try
        {
            while (await frames.ReadAsync(over.Token) is { } frame)
            {
                switch (frame.Kind)
                {
                    case FrameKind.Trouble:
                        report.Tell(frame.Words);
                        break;
                    case FrameKind.Have:
                        var bytes = frame.AtLeast(40);
                        _parts.Writer.TryWrite(new PartThere(BinaryPrimitives.ReadInt64BigEndian(bytes), bytes.Slice(8, 32).ToArray()));
                        break;
                    case FrameKind.Unwanted:
                        _parts.Writer.TryWrite(null);
                        break;
                    case FrameKind.Failed:
                        throw new CopyFailedException(frame.Words);
                    case FrameKind.Done:
                        return;
                }
            }
            throw new IOException("The other side ended the copy before it was complete.");
        }
        catch
        {
            await over.CancelAsync();
            throw;
        }
    }
}
