namespace Berth.Tunnel.Resumable;

/// <summary>Wakes the one who waits, or the next who will; being set again before that changes nothing.</summary>
public sealed class Signal
{
    private static readonly TaskCompletionSource s_set = new();
    private TaskCompletionSource? _waiter;

    /// <summary>Wakes it. Never waits itself.</summary>
    public void Set()
    {
        if (Interlocked.Exchange(ref _waiter, s_set) is { } waiter && waiter != s_set)
            waiter.TrySetResult();
    }

    /// <summary>Waits until it is set. One who gives up leaves what comes then to the next.</summary>
    public Task WaitAsync(CancellationToken ct)
    {
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.Exchange(ref _waiter, mine) != s_set)
            return mine.Task.WaitAsync(ct);
        // It was set before: that is taken now.
        Interlocked.CompareExchange(ref _waiter, null, mine);
        return Task.CompletedTask;
    }
}
