using System.Collections.Concurrent;

namespace Berth.Tunnel.Resumable;

/// <summary>Serves what a client asked for, until it is over; it need not dispose the stream.</summary>
/// <param name="stream">To and from the client.</param>
/// <param name="ct">The stream is lost.</param>
public delegate Task Serving(ResumableStream stream, CancellationToken ct);

/// <summary>
/// The end of resumable streams that takes carriers: makes a stream for each new request, and gives those that come back
/// their next carrier.
/// </summary>
/// <param name="open">
/// Prepares what a request asks for; throws <see cref="StreamRefusedException"/> with a sentence for the client where it cannot.
/// </param>
/// <param name="options">Times and sizes.</param>
public sealed class ResumableHost(Func<ReadOnlyMemory<byte>, CancellationToken, Task<Serving>> open, ResumableOptions options)
{
    private const string Unknown =
        "This connection does not go on: the session was started again since, or the connection was away for too long.";

    // Those that are over are remembered for as long as one is held, for clients that have not heard of it.
    private const int MostEnded = 4096;

    private readonly ConcurrentDictionary<Guid, Held> _streams = new();
    private readonly ConcurrentQueue<(Guid Id, long EndedAt)> _ended = new();
    private int _live;

    private sealed record Held(ResumableStream Stream, ReadOnlyMemory<byte> Secret, TaskCompletionSource<string?> Opened);

    /// <summary>Streams that are not over.</summary>
    public int Count => Volatile.Read(ref _live);

    /// <summary>Serves one carrier until it is lost or its stream is over. Never throws for what happens to the carrier.</summary>
    public async Task ServeAsync(Stream carrier, CancellationToken ct)
    {
        try
        {
            await using (carrier)
                await GreetAsync(carrier, ct);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The carrier is lost; its stream waits for another.
        }
    }

    private async Task GreetAsync(Stream carrier, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var patience = options.Time.CreateTimer(_ => limit.Cancel(), null, options.HandshakeWithin, Timeout.InfiniteTimeSpan);
        var hello = await StreamHello.ReadAsync(carrier, limit.Token);
        ForgetOld();
        if (!Find(hello, out var held, out var refusal) || (refusal = await held.Opened.Task.WaitAsync(limit.Token) ?? held.Stream.Refusal) is not null)
        {
            await StreamAnswer.Refused(refusal!).WriteAsync(carrier, limit.Token);
            return;
        }
        patience.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await held.Stream.CarryAsync(carrier, async mine =>
        {
            await new StreamAnswer(held.Stream.Received, options.Window).WriteAsync(carrier, mine);
            return (hello.Received, hello.Window);
        }, null, ct);
    }

    private bool Find(StreamHello hello, out Held held, out string? refusal)
    {
        refusal = Unknown;
        if (_streams.TryGetValue(hello.Id, out held!))
            return hello.Proves(held.Secret);
        if (hello.GoesOn)
            return false;
        refusal = $"The session has {options.MaximumStreams} connections, which is the most: close some.";
        if (Interlocked.Increment(ref _live) > options.MaximumStreams)
        {
            Interlocked.Decrement(ref _live);
            return false;
        }
        var made = new Held(new ResumableStream(options), hello.Secret, new(TaskCreationOptions.RunContinuationsAsynchronously));
        held = _streams.GetOrAdd(hello.Id, made);
        if (held == made)
        {
            _ = RunAsync(hello, made);
            return true;
        }
        Interlocked.Decrement(ref _live);
        refusal = Unknown;
        return hello.Proves(held.Secret);
    }

    private async Task RunAsync(StreamHello hello, Held held)
    {
        var stream = held.Stream;
        try
        {
            var serve = await open(hello.Request, stream.Lost);
            held.Opened.SetResult(null);
            await serve(stream, stream.Lost);
            await stream.CompleteWritesAsync();
            await stream.DeliveredAsync();
            stream.Abort();
        }
        catch (Exception e)
        {
            // Whatever a service throws ends its stream alone, and the client is told.
            stream.Abort(e.Message);
            held.Opened.TrySetResult(e.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _live);
            _ended.Enqueue((hello.Id, options.Time.GetTimestamp()));
        }
    }

    private void ForgetOld()
    {
        while (_ended.TryPeek(out var oldest)
            && (_ended.Count > MostEnded || options.Time.GetElapsedTime(oldest.EndedAt) > options.Hold)
            && _ended.TryDequeue(out oldest))
        {
            _streams.TryRemove(oldest.Id, out _);
        }
    }
}
