using System.Buffers.Binary;

namespace Berth.Tunnel.Resumable;

/// <summary>Moves a stream's frames over one carrier, both ways, until that is lost or found dead, or the stream is over.</summary>
internal sealed class CarrierRun(ResumableStream stream, Stream carrier, Func<CancellationToken, Task<int>>? answer, ResumableOptions options)
{
    private const int SmallBlock = 4 * 1024;
    private const int LargeBlock = 64 * 1024;
    private const int AskAfter = 2;
    private const int DeadAfter = 5;

    private readonly byte[] _control = new byte[2 * ResumableWire.MaximumControl];
    private int _dataLeft;
    private volatile bool _heard;
    private volatile bool _heardData;
    private volatile bool _said;
    private bool _over;
    private volatile int _silent;

    /// <summary>Never throws for what happens to the carrier, which is closed afterwards.</summary>
    /// <returns>
    /// Whether the other side closed it while it was heard: it, or its computer, is there and has let it go. One that sleeps
    /// or changes its network falls silent, and what is between closes nothing before that is noticed.
    /// </returns>
    public async Task<bool> RunAsync(CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var sending = SendAsync(stop.Token);
        var receiving = ReceiveAsync(stop.Token);
        var watching = WatchAsync(stop.Token);
        var first = await Task.WhenAny(sending, receiving, watching);
        // Who closes first says its last word before; who does not still hears it.
        _over = first == sending && sending.IsCompletedSuccessfully;
        var closed = first == receiving && receiving.IsCompletedSuccessfully && _silent <= AskAfter;
        // A WebSocket whose read is cancelled is aborted, and the last word with it: after one it is closed first.
        if (!_over)
            await stop.CancelAsync();
        await CloseAsync();
        await stop.CancelAsync();
        await Task.WhenAll(sending, receiving, watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stream.OutgoingSent();
        if (first.Exception?.InnerException is ProtocolException e)
            stream.Abort(e.Message);
        return closed;
    }

    private async Task SendAsync(CancellationToken ct)
    {
        while (true)
        {
            if (stream.TakeOutgoing(_control) is not { } outgoing)
            {
                await stream.ToSendAsync(ct);
                continue;
            }
            if (outgoing.ControlLength > 0)
                await carrier.WriteAsync(_control.AsMemory(0, outgoing.ControlLength), ct);
            if (outgoing.Data.Length > 0)
            {
                await carrier.WriteAsync(outgoing.Data, ct);
                stream.OutgoingSent();
            }
            _said = true;
            if (outgoing.IsLast)
                return;
        }
    }

    private async Task ReceiveAsync(CancellationToken ct)
    {
        if (answer is not null)
            stream.Widen(await answer(ct));
        var block = new Block(SmallBlock);
        var (start, end) = (0, 0);
        try
        {
            while (await carrier.ReadAsync(block.Bytes.AsMemory(end), ct) is not 0 and var count)
            {
                _heard = true;
                end += count;
                start = Parse(block, start, end);
                // Most streams carry little at a time, some carry much: what filled a block gets a large one. What is left of
                // the old one belongs to a frame that is not whole.
                if (end > block.Bytes.Length - ResumableWire.MaximumControl)
                {
                    var next = new Block(count >= block.Bytes.Length / 4 ? LargeBlock : SmallBlock);
                    block.Bytes.AsSpan(start, end - start).CopyTo(next.Bytes);
                    stream.Release(block);
                    (block, start, end) = (next, 0, end - start);
                }
            }
        }
        finally
        {
            stream.Release(block);
        }
    }

    /// <returns>Where the first frame begins that is not whole yet.</returns>
    private int Parse(Block block, int at, int end)
    {
        while (at < end)
        {
            if (_dataLeft > 0)
            {
                var count = Math.Min(_dataLeft, end - at);
                stream.OnData(block, at, count);
                _heardData = true;
                _dataLeft -= count;
                at += count;
                continue;
            }
            if (end - at < ResumableWire.HeaderLength)
                return at;
            var type = (FrameType)block.Bytes[at];
            var length = BinaryPrimitives.ReadInt32BigEndian(block.Bytes.AsSpan(at + 1));
            if (length < 0 || length > (type == FrameType.Data ? ResumableWire.MaximumFrame : ResumableWire.MaximumControl - ResumableWire.HeaderLength))
                throw new ProtocolException("A frame is too long.");
            if (type == FrameType.Data)
            {
                _dataLeft = length;
                at += ResumableWire.HeaderLength;
                continue;
            }
            if (end - at < ResumableWire.HeaderLength + length)
                return at;
            stream.OnControl(type, block.Bytes.AsSpan(at + ResumableWire.HeaderLength, length));
            at += ResumableWire.HeaderLength + length;
        }
        return at;
    }

    /// <summary>Returns when the carrier is dead: a peer that is there is heard from, however slow the line.</summary>
    private async Task WatchAsync(CancellationToken ct)
    {
        using var pulse = new PeriodicTimer(options.Pulse, options.Time);
        while (_silent < DeadAfter && await pulse.WaitForNextTickAsync(ct))
        {
            _silent = _heard ? 0 : _silent + 1;
            // Who sends on a slow line hears that what it sends arrives, though its questions stand in line behind it.
            if (_heardData)
                stream.AckSoon(onlyWhereDue: _said);
            if (_silent == AskAfter)
                stream.PingSoon();
            _heard = _heardData = _said = false;
        }
    }

    private async Task CloseAsync()
    {
        if (!_over && carrier is DuplexStream duplex)
            duplex.Abort();
        await carrier.DisposeAsync();
    }
}
