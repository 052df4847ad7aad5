namespace Berth.Tunnel.Resumable;

/// <summary>Opens resumable streams, and keeps them going over whatever carriers it can get.</summary>
public static class ResumableClient
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(100);

    /// <summary>Opens one. Until the first carrier is there it is tried again, too.</summary>
    /// <param name="connect">
    /// Opens a carrier. An <see cref="IOException"/> may pass, and it is asked again; everything else is final.
    /// </param>
    /// <param name="request">What the host is asked for.</param>
    /// <param name="options">Times and sizes.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="StreamRefusedException">The host does not give it.</exception>
    /// <exception cref="StreamLostException">No carrier was to be had for as long as a stream is held.</exception>
    public static async Task<ResumableStream> OpenAsync(
        Func<CancellationToken, Task<Stream>> connect, ReadOnlyMemory<byte> request, ResumableOptions options, CancellationToken ct)
    {
        var stream = new ResumableStream(options);
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = KeepAsync(stream, connect, StreamHello.New(request, options.Window), opened, options);
        try
        {
            await opened.Task.WaitAsync(ct);
            return stream;
        }
        catch
        {
            stream.Abort();
            throw;
        }
    }

    private static async Task KeepAsync(
        ResumableStream stream, Func<CancellationToken, Task<Stream>> connect, StreamHello hello, TaskCompletionSource opened, ResumableOptions options)
    {
        var (delay, lostAt) = (s_firstRetry, options.Time.GetTimestamp());
        try
        {
            while (!stream.Ended.IsCompleted)
            {
                var carried = await TryCarryAsync(stream, connect, hello, () =>
                {
                    if (!opened.TrySetResult())
                        options.Back?.Invoke(options.Time.GetElapsedTime(lostAt));
                    hello = hello with { GoesOn = true };
                }, options);
                if (stream.Ended.IsCompleted)
                    break;
                if (carried)
                {
                    (delay, lostAt) = (s_firstRetry, options.Time.GetTimestamp());
                    options.Lost?.Invoke();
                }
                await Task.WhenAny(stream.Ended, Task.Delay(delay * (0.5 + Random.Shared.NextDouble()), options.Time, stream.Lost));
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, options.LastRetry.Ticks));
            }
        }
        catch (Exception e)
        {
            opened.TrySetException(e);
            stream.Fail(e.Message);
        }
        if (stream.Failure is { } reason)
            opened.TrySetException(new StreamLostException(reason));
    }

    /// <returns>Whether a carrier took the stream on, until it was lost.</returns>
    private static async Task<bool> TryCarryAsync(
        ResumableStream stream, Func<CancellationToken, Task<Stream>> connect, StreamHello hello, Action accepted, ResumableOptions options)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stream.Lost);
            using var patience = options.Time.CreateTimer(_ => limit.Cancel(), null, options.HandshakeWithin, Timeout.InfiniteTimeSpan);
            await using var carrier = await connect(limit.Token);
            return await stream.CarryAsync(carrier, async _ =>
            {
                await (hello with { Received = stream.Received }).WriteAsync(carrier, limit.Token);
                var answer = await StreamAnswer.ReadAsync(carrier, limit.Token);
                patience.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                accepted();
                return (answer.Received, answer.Window);
            }, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return false;
        }
    }
}
