using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Threading.Channels;

namespace Berth.Tunnel;

/// <summary>
/// The server's end of one agent's tunnel: dial-back streams that wait, taken one per dial. It lives as long as the
/// agent's control connection and takes all streams with it, so that nothing hangs on a dead agent.
/// </summary>
/// <param name="time">The clock; null: the system's.</param>
public sealed class AgentTunnel(TimeProvider? time = null) : IDisposable
{
    // What is left of a stream, TLS and the request that it came by, costs both ends nearly as much as its use did: others of
    // the same burst are let through first.
    private static readonly TimeSpan s_clearedAwayAfter = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly CancellationTokenSource _over = new();
    private readonly Channel<TunnelStream> _waiting = Channel.CreateUnbounded<TunnelStream>();
    private readonly ConcurrentDictionary<TunnelStream, byte> _streams = new();
    private int _dialling;

    /// <summary>Streams that are open, waiting or in use.</summary>
    public int Count => _streams.Count;

    /// <summary>Dials for which no stream waits.</summary>
    public int Dialling => Volatile.Read(ref _dialling);

    /// <summary>Offers a stream that the agent has just opened; completes a little after it is over, for what carried it to be cleared away.</summary>
    public async Task ServeAsync(WebSocket socket)
    {
        var stream = new TunnelStream(socket);
        _streams[stream] = 0;
        stream.Wait();
        var waiting = stream.Answered;
        if (_over.IsCancellationRequested || !_waiting.Writer.TryWrite(stream))
            stream.Abort();
        await Task.WhenAny(stream.Closed, DeathWhileWaitingAsync(stream, waiting));
        _streams.TryRemove(stream, out _);
        await Task.Delay(s_clearedAwayAfter, _time, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Connects to a port inside the session, and waits for the agent's word that it is.</summary>
    /// <exception cref="DialRefusedException">The agent could not connect to it.</exception>
    /// <exception cref="AgentNotConnectedException">The agent went away.</exception>
    public async Task<TunnelStream> DialAsync(int port, CancellationToken ct)
    {
        while (true)
        {
            var stream = await DialAheadAsync(port, ct);
            try
            {
                await stream.Answered.WaitAsync(ct);
                return stream;
            }
            catch (AgentNotConnectedException)
            {
                // Died just now, before the agent answered: nothing was sent to the port, so another one may be tried.
                stream.Abort();
            }
            catch
            {
                stream.Abort();
                throw;
            }
        }
    }

    /// <summary>
    /// Connects to a port inside the session, and returns before it is: what is written goes after it, in the same round
    /// trip. The first read throws <see cref="DialRefusedException"/> where the agent could not.
    /// </summary>
    /// <exception cref="AgentNotConnectedException">The agent went away.</exception>
    public async Task<TunnelStream> DialAheadAsync(int port, CancellationToken ct)
    {
        while (true)
        {
            var stream = await TakeAsync(ct);
            try
            {
                // One that died while it waited the agent knows of, and opens others.
                if (!stream.Answered.IsCompleted)
                {
                    await stream.AskAsync(port, ct);
                    return stream;
                }
            }
            catch (IOException)
            {
                // It died just now.
            }
            catch
            {
                stream.Abort();
                throw;
            }
            stream.Abort();
        }
    }

    /// <summary>Ends streams that wait, until no more than these are left.</summary>
    public async Task TrimAsync(int count)
    {
        while (_waiting.Reader.Count > count && _waiting.Reader.TryRead(out var waiting))
            await waiting.DisposeAsync();
    }

    /// <summary>
    /// Takes no more dials, and leaves the streams in use to end by themselves: for an agent that said goodbye, and whose
    /// last bytes may not have been read yet.
    /// </summary>
    public void Complete()
    {
        _waiting.Writer.TryComplete();
        while (_waiting.Reader.TryRead(out var waiting))
            waiting.Abort();
    }

    /// <summary>Aborts every stream; dials that wait fail.</summary>
    public void Dispose()
    {
        _over.Cancel();
        _waiting.Writer.TryComplete();
        foreach (var stream in _streams.Keys)
            stream.Abort();
    }

    private async Task<TunnelStream> TakeAsync(CancellationToken ct)
    {
        if (_waiting.Reader.TryRead(out var waiting))
            return waiting;
        Interlocked.Increment(ref _dialling);
        try
        {
            return await _waiting.Reader.ReadAsync(ct);
        }
        catch (ChannelClosedException e)
        {
            throw new AgentNotConnectedException("The session's agent has just disconnected.", e);
        }
        finally
        {
            Interlocked.Decrement(ref _dialling);
        }
    }

    private static async Task DeathWhileWaitingAsync(TunnelStream stream, Task waiting)
    {
        try
        {
            await waiting;
            await stream.Closed;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            stream.Abort();
        }
    }
}
