using System.Collections.Concurrent;
using Berth.Server.Sessions;

namespace Berth.Server.Proxy;

/// <summary>
/// Notes that visitors give sessions input, and tells so twice a minute: that they do, and once that they have ceased to.
/// A note is one write to memory, and none where it is noted already.
/// </summary>
public sealed class InputWatch : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Input> _inputs = new(StringComparer.OrdinalIgnoreCase);
    private readonly Neighbours _neighbours;
    private readonly ITimer _timer;
    private int _armed;

    public InputWatch(SessionDirectory directory, Neighbours neighbours, TimeProvider clock)
    {
        _neighbours = neighbours;
        _timer = clock.CreateTimer(_ => Tell(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        directory.Changed += (id, route) =>
        {
            if (route is null)
                _inputs.TryRemove(id, out var _);
        };
    }

    /// <summary>Where input of a session is noted. Who has a long connection keeps it.</summary>
    public Input Of(string sessionId) => _inputs.GetOrAdd(sessionId, static (_, watch) => new Input(watch), this);

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    // One-shot: while nobody does anything, nothing ticks.
    private void Arm()
    {
        if (Interlocked.Exchange(ref _armed, 1) == 0)
            _timer.Change(Every, Timeout.InfiniteTimeSpan);
    }

    private void Tell()
    {
        Volatile.Write(ref _armed, 0);
        foreach (var (id, input) in _inputs)
        {
            var (now, before) = input.Take();
            if (now || before)
                _neighbours.Touched(id, now);
            if (now)
                Arm(); // That it ceased is still to be told.
        }
    }

    /// <summary>Of one session.</summary>
    public sealed class Input(InputWatch watch)
    {
        private volatile bool _noted;
        private bool _told;

        /// <summary>There was some.</summary>
        public void Note()
        {
            // Written once between two looks: who types fast does not fight over the cache line.
            if (_noted)
                return;
            _noted = true;
            watch.Arm();
        }

        /// <summary>Whether there was some since the last look, and whether the look before found some.</summary>
        public (bool Now, bool Before) Take()
        {
            var (now, before) = (_noted, _told);
            (_noted, _told) = (false, now);
            return (now, before);
        }
    }
}
