namespace Berth.Tunnel.Resumable;

/// <summary>Finds one carrier after the other for a client's stream, until that is over.</summary>
internal sealed class ClientCarrying
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(100);

    private readonly Func<CancellationToken, Task<Stream>> _connect;
    private readonly ResumableOptions _options;
    private readonly TaskCompletionSource _accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private StreamHello _hello;
    private bool _early;
    private long _lostAt;

    /// <param name="connect">Opens a carrier. An <see cref="IOException"/> may pass; everything else is final.</param>
    /// <param name="request">What the host is asked for.</param>
    /// <param name="options">Times and sizes.</param>
    /// <param name="early">What is written goes right behind the request, before the host's answer.</param>
    public ClientCarrying(Func<CancellationToken, Task<Stream>> connect, ReadOnlyMemory<byte> request, ResumableOptions options, bool early)
    {
        (_connect, _options, _early) = (connect, options, early);
        _hello = StreamHello.New(request, options.Window);
        _lostAt = options.Time.GetTimestamp();
        Stream = new ResumableStream(options);
        if (early)
            Stream.Widen(ResumableWire.EarlyWindow);
        _ = KeepAsync();
    }

    public ResumableStream Stream { get; }

    /// <summary>The host's word that it gives the stream; fails where it does not, or cannot be asked.</summary>
    public Task Accepted => _accepted.Task;

    private async Task KeepAsync()
    {
        var delay = s_firstRetry;
        try
        {
            while (!Stream.Ended.IsCompleted)
            {
                var carried = await TryCarryAsync();
                if (Stream.Ended.IsCompleted)
                    break;
                if (carried)
                {
                    (delay, _lostAt) = (s_firstRetry, _options.Time.GetTimestamp());
                    _options.Lost?.Invoke();
                }
                await Task.WhenAny(Stream.Ended, Task.Delay(delay * (0.5 + Random.Shared.NextDouble()), _options.Time, Stream.Lost));
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, _options.LastRetry.Ticks));
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
        if (Stream.Failure is { } reason)
            Fail(new StreamLostException(reason));
    }

    /// <returns>Whether the host took the stream on over this carrier, until it was lost.</returns>
    private async Task<bool> TryCarryAsync()
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stream.Lost);
            using var patience = _options.Time.CreateTimer(_ => limit.Cancel(), null, _options.HandshakeWithin, Timeout.InfiniteTimeSpan);
            await using var carrier = await _connect(limit.Token);
            // Of a stream that it may know already the host has to say first how much it has.
            var early = _early;
            _early = false;
            return early ? await CarryEarlyAsync(carrier, limit.Token) : await CarryAsync(carrier, patience, limit.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    private Task<bool> CarryAsync(Stream carrier, ITimer patience, CancellationToken limit) => Stream.CarryAsync(
        carrier,
        async _ =>
        {
            await SayAsync(carrier, limit);
            var answer = await StreamAnswer.ReadAsync(carrier, limit);
            patience.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            Accept();
            return (answer.Received, answer.Window);
        },
        null,
        CancellationToken.None);

    // That no answer comes is noticed as of any carrier that falls silent.
    private async Task<bool> CarryEarlyAsync(Stream carrier, CancellationToken limit)
    {
        await Stream.CarryAsync(
            carrier,
            async _ =>
            {
                await SayAsync(carrier, limit);
                return (0, ResumableWire.EarlyWindow);
            },
            HearAsync,
            CancellationToken.None);
        return Accepted.IsCompletedSuccessfully;

        async Task<int> HearAsync(CancellationToken ct)
        {
            try
            {
                var answer = await StreamAnswer.ReadAsync(carrier, ct);
                if (answer.Received != 0)
                    throw new ProtocolException("The host says that it has bytes of a stream that is new.");
                Accept();
                return answer.Window;
            }
            catch (StreamRefusedException e)
            {
                Fail(e);
                throw;
            }
        }
    }

    private Task SayAsync(Stream carrier, CancellationToken ct) => (_hello with { Received = Stream.Received }).WriteAsync(carrier, ct);

    private void Accept()
    {
        if (!_accepted.TrySetResult())
            _options.Back?.Invoke(_options.Time.GetElapsedTime(_lostAt));
        _hello = _hello with { GoesOn = true };
    }

    private void Fail(Exception why)
    {
        if (_accepted.TrySetException(why))
            _ = _accepted.Task.Exception;
        Stream.Fail(why.Message);
    }
}
