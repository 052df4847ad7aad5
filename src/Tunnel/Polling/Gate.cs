using System.Threading.Tasks.Sources;

namespace Berth.Tunnel.Polling;

/// <summary>Lets one through each time that it is opened, now or once he comes. Waiting allocates nothing; one waits at a time.</summary>
internal sealed class Gate : IValueTaskSource
{
    private const int Shut = 0, Opened = 1, Waited = 2;
    private static readonly Action<object?, CancellationToken> s_giveUp = static (gate, ct) => ((Gate)gate!).TryEnd(new OperationCanceledException(ct));

    private ManualResetValueTaskSourceCore<bool> _waiter;
    private CancellationTokenRegistration _givingUp;
    private int _state;

    /// <summary>Opens it. Who waits goes on before this returns, where he asked for that.</summary>
    public void Open()
    {
        while (Interlocked.CompareExchange(ref _state, Opened, Shut) == Waited && !TryEnd(null))
        {
            // He has just given up: it is for the next one.
        }
    }

    /// <summary>Waits until it is opened.</summary>
    /// <param name="atOnce">Goes on on the thread that opens it; otherwise in the pool.</param>
    /// <param name="ct">Gives up.</param>
    public ValueTask WaitAsync(bool atOnce, CancellationToken ct)
    {
        _waiter.Reset();
        _waiter.RunContinuationsAsynchronously = !atOnce;
        if (Interlocked.CompareExchange(ref _state, Waited, Shut) == Opened)
        {
            Interlocked.Exchange(ref _state, Shut);
            return ValueTask.CompletedTask;
        }
        _givingUp = ct.UnsafeRegister(s_giveUp, this);
        return new ValueTask(this, _waiter.Version);
    }

    private bool TryEnd(OperationCanceledException? gaveUp)
    {
        if (Interlocked.CompareExchange(ref _state, Shut, Waited) != Waited)
            return false;
        if (gaveUp is null)
            _waiter.SetResult(true);
        else
            _waiter.SetException(gaveUp);
        return true;
    }

    void IValueTaskSource.GetResult(short token)
    {
        _givingUp.Dispose();
        _waiter.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _waiter.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiter.OnCompleted(continuation, state, token, flags);
}
