using System.Net.WebSockets;
using Berth.Contracts.Client;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Reach;

/// <summary>
/// Lines to a session's agent that are opened before a stream needs one: to open a line takes several round trips, to begin a
/// stream on one that is open takes a single one. As many as the last burst took; after a quiet while a few.
/// </summary>
/// <param name="connect">Opens one, for a stream that is still to come.</param>
/// <param name="time">The clock.</param>
internal sealed class CarriersAhead(Func<CancellationToken, Task<WebSocket>> connect, TimeProvider time)
{
    private const int Least = 2;
    private const int Most = 64;
    // Opening costs both ends far more than using: a burst is let through before what it took is replaced.
    private static readonly TimeSpan s_burst = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_answersWithin = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    // The newest is taken first, and the oldest closed.
    private readonly List<TunnelStream> _waiting = [];
    private readonly Signal _used = new();
    private int _taken;

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _waiting.Count;
        }
    }

    /// <summary>Takes one; null: there is none at the moment.</summary>
    public TunnelStream? Take()
    {
        TunnelStream? taken;
        lock (_lock)
        {
            _taken++;
            DropDead();
            taken = _waiting.LastOrDefault();
            if (taken is not null)
                _waiting.RemoveAt(_waiting.Count - 1);
        }
        _used.Set();
        if (taken is not null)
            _ = RequireAnswerAsync(taken);
        return taken;
    }

    /// <summary>Keeps some open until cancelled, and closes them then.</summary>
    public async Task KeepAsync(CancellationToken ct)
    {
        try
        {
            for (var wanted = Least; ;)
            {
                await OpenAsync(wanted, ct);
                if (!await IsUsedSoonAsync(ct))
                {
                    wanted = Least;
                    await CloseAsync(wanted);
                    continue;
                }
                await Task.Delay(s_burst, time, ct);
                lock (_lock)
                    (wanted, _taken) = (Math.Clamp(_taken, wanted, Most), 0);
            }
        }
        catch (OperationCanceledException)
        {
            await CloseAsync(0);
        }
    }

    private async Task<bool> IsUsedSoonAsync(CancellationToken ct)
    {
        using var quiet = new CancellationTokenSource(s_quiet, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, quiet.Token);
        try
        {
            await _used.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Opens as many as are missing. Where that fails, streams open their own and are told why.</summary>
    private async Task OpenAsync(int wanted, CancellationToken ct)
    {
        lock (_lock)
            DropDead();
        try
        {
            await Task.WhenAll(Enumerable.Range(0, Math.Max(0, wanted - Count)).Select(async _ =>
            {
                var line = new TunnelStream(await connect(ct));
                line.Wait();
                lock (_lock)
                    _waiting.Add(line);
            }));
        }
        catch (Exception e) when (e is ApiException or ServerUnreachableException or IOException)
        {
            // The next use, or the next quiet while, tries again.
        }
    }

    // What is between may have died without a word, while this machine slept for example: with one, all are suspected.
    private async Task RequireAnswerAsync(TunnelStream line)
    {
        try
        {
            await line.Answered.WaitAsync(s_answersWithin, time);
        }
        catch (TimeoutException)
        {
            line.Abort();
            await CloseAsync(0);
        }
        catch (IOException)
        {
            // Its stream finds that out by itself.
        }
    }

    // One that has heard something has heard its end.
    private void DropDead() => _waiting.RemoveAll(line =>
    {
        if (!line.Answered.IsCompleted)
            return false;
        line.Abort();
        return true;
    });

    private async Task CloseAsync(int butFor)
    {
        List<TunnelStream> closing;
        lock (_lock)
        {
            closing = _waiting[..Math.Max(0, _waiting.Count - butFor)];
            _waiting.RemoveRange(0, closing.Count);
        }
        await Task.WhenAll(closing.Select(line => line.DisposeAsync().AsTask()));
    }
}
