namespace Berth.Server.Proxy;

/// <summary>
/// Keeps a session's WebSocket alive where the app sends no pings of its own and nobody says anything: proxies between the
/// visitor and the server take a silent connection for dead. A ping (RFC 6455, section 5.5.2) is put between two frames of
/// the app; the visitor's answer passes to the app, which ignores answers that it did not ask for (5.5.3).
/// </summary>
public sealed class QuietPings : IDisposable
{
    private const int Close = 8;
    private static readonly byte[] s_ping = [0x89, 0];
    private readonly Stream _visitor;
    private readonly FrameReader _frames;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly ITimer _timer;
    private volatile bool _said;
    private volatile bool _closed;

    /// <param name="visitor">The side of the visitor.</param>
    /// <param name="every">After so much silence, at most twice as much, a ping is sent.</param>
    /// <param name="clock">The clock.</param>
    public QuietPings(Stream visitor, TimeSpan every, TimeProvider clock)
    {
        _visitor = visitor;
        _frames = new FrameReader((opcode, _) => _closed |= opcode == Close);
        _timer = clock.CreateTimer(_ => _ = PingAsync(), null, every, every);
    }

    /// <summary>Passes on what the app says.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        await _writing.WaitAsync(ct);
        try
        {
            _frames.See(bytes.Span);
            _said = true;
            await _visitor.WriteAsync(bytes, ct);
        }
        finally
        {
            _writing.Release();
        }
    }

    // The semaphore needs no disposal: nobody asks for its handle.
    public void Dispose() => _timer.Dispose();

    private async Task PingAsync()
    {
        if (_said || !await _writing.WaitAsync(0))
        {
            _said = false;
            return;
        }

        try
        {
            if (_frames.IsBetweenFrames && !_closed)
                await _visitor.WriteAsync(s_ping, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // It is over; whoever passes bytes finds out.
        }
        finally
        {
            _writing.Release();
        }
    }
}
