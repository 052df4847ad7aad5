using System.Threading.Channels;
using Berth.Agent.Unix;
using Berth.Contracts.Services;

namespace Berth.Agent.Services.Processes;

/// <summary>
/// What a client sends to a process, on its way there: held while the process does not read, so that a signal behind it is
/// heard all the same. The client sends no more than <see cref="ProcessFrames.InputWindow"/> ahead.
/// </summary>
internal sealed class ProcessInput(Descriptor to, ProcessFrames frames)
{
    private readonly Channel<byte[]> _waiting = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true });
    private int _held;

    /// <summary>Takes what came; nothing is the end.</summary>
    /// <exception cref="InvalidDataException">It is more than the client may send.</exception>
    public void Add(ReadOnlyMemory<byte> bytes)
    {
        if (Interlocked.Add(ref _held, bytes.Length) > ProcessFrames.InputWindow)
            throw new InvalidDataException("The client sends more input than it may.");
        if (bytes.IsEmpty)
            _waiting.Writer.TryComplete();
        else
            _waiting.Writer.TryWrite(bytes.ToArray());
    }

    /// <summary>Passes on what comes until the end of input.</summary>
    public async Task PassAsync(CancellationToken ct)
    {
        var isRead = true;
        await foreach (var bytes in _waiting.Reader.ReadAllAsync(ct))
        {
            try
            {
                if (isRead)
                    await to.WriteAsync(bytes, ct);
            }
            catch (IOException)
            {
                // Nobody reads it any more; whoever sends it is not to wait for that.
                isRead = false;
            }
            Interlocked.Add(ref _held, -bytes.Length);
            await frames.WriteAsync(ProcessFrameKind.Taken, ProcessFrames.Number(bytes.Length), ct);
        }
    }
}
