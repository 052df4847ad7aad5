namespace Berth.Tunnel.Resumable;

/// <summary>Wakes the one who waits, or the next who will.</summary>
internal sealed class Signal
{
    private static readonly TaskCompletionSource s_set = new();
    private TaskCompletionSource? _waiter;

    public void Set()
    {
        if (Interlocked.Exchange(ref _waiter, s_set) is { } waiter && waiter != s_set)
            waiter.TrySetResult();
    }

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
