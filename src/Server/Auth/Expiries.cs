namespace Berth.Server.Auth;

/// <summary>
/// Rings at the moment at which a sign-in or token expires, for what it has open by then. One timer for all of them; a
/// moment that was moved on, as by the use of a sign-in, does not ring.
/// </summary>
public sealed class Expiries : IDisposable
{
    // Timers wait for 49 days at most, and a machine that slept has to be looked at again.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _moments = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, long> _line = new();
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;

    public Expiries(TimeProvider clock)
    {
        _clock = clock;
        _timer = clock.CreateTimer(_ => Ring(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>It has expired: by the id of the sign-in or token.</summary>
    public event Action<string>? Expired;

    /// <summary>Rings for it then, and at no other moment named before.</summary>
    /// <param name="proofId">Id of the sign-in or token.</param>
    /// <param name="at">UTC milliseconds.</param>
    public void Watch(string proofId, long at)
    {
        lock (_gate)
        {
            if (_moments.GetValueOrDefault(proofId) == at)
                return;
            _moments[proofId] = at;
            _line.Enqueue(proofId, at);
            Wind();
        }
    }

    /// <summary>It has ended before its time.</summary>
    public void Forget(string proofId)
    {
        lock (_gate)
            _moments.Remove(proofId);
    }

    public void Dispose() => _timer.Dispose();

    private void Ring()
    {
        List<string> due = [];
        lock (_gate)
        {
            var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
            while (_line.TryPeek(out var id, out var at) && at <= now)
            {
                _line.Dequeue();
                if (_moments.GetValueOrDefault(id) != at)
                    continue; // Moved on, or forgotten.
                _moments.Remove(id);
                due.Add(id);
            }

            Wind();
        }

        due.ForEach(id => Expired?.Invoke(id));
    }

    private void Wind()
    {
        if (!_line.TryPeek(out _, out var at))
            return;
        var wait = DateTimeOffset.FromUnixTimeMilliseconds(at) - _clock.GetUtcNow();
        _timer.Change(wait < TimeSpan.Zero ? TimeSpan.Zero : wait < LongestWait ? wait : LongestWait, Timeout.InfiniteTimeSpan);
    }
}
