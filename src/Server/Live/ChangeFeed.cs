using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Berth.Contracts.Sessions;
using Berth.Server.Connections;

namespace Berth.Server.Live;

/// <summary>
/// Tells open pages and waiting commands that something changed. A change carries no content: whoever hears of it asks,
/// and is then checked like anybody who asks.
/// </summary>
/// <param name="streamsPerUser">Streams that one user's browsers and commands may have open: each change is offered to all.</param>
public sealed class ChangeFeed(int streamsPerUser = 256)
{
    private readonly ConcurrentDictionary<Listener, byte> _listeners = new();
    private readonly Places _places = new(streamsPerUser);

    /// <summary>A place for a stream to one user, until the result is disposed. Null: all of theirs are taken.</summary>
    public IDisposable? TakePlace(string userId) => _places.Take(userId);

    /// <summary>Publishes to one user, or to everybody who is signed in where <paramref name="userId"/> is null.</summary>
    public void Publish(Change change, string? userId)
    {
        foreach (var listener in _listeners.Keys)
        {
            if (userId is null || listener.UserId == userId)
                listener.Offer(change);
        }
    }

    /// <summary>Listens for one user from this call on, until disposed.</summary>
    public Listener Listen(string userId)
    {
        var listener = new Listener(userId, this);
        _listeners[listener] = 0;
        return listener;
    }

    /// <summary>The changes for one user, for as long as they are read.</summary>
    public async IAsyncEnumerable<Change> ListenAsync(string userId, [EnumeratorCancellation] CancellationToken ct)
    {
        using var listener = Listen(userId);
        await foreach (var change in listener.ReadAllAsync(ct))
            yield return change;
    }

    /// <summary>One who listens.</summary>
    public sealed class Listener(string userId, ChangeFeed feed) : IDisposable
    {
        /// <summary>More than this many changes not yet read: then one says "anything may have changed".</summary>
        private const int Most = 1024;

        private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(Most);
        private volatile bool _overrun;

        internal string UserId { get; } = userId;

        /// <summary>Changes as they come. Kind <c>all</c>: too many at once, read everything again.</summary>
        public async IAsyncEnumerable<Change> ReadAllAsync([EnumeratorCancellation] CancellationToken ct)
        {
            await foreach (var change in _changes.Reader.ReadAllAsync(ct))
            {
                yield return change;
                if (!_overrun)
                    continue;
                _overrun = false;
                while (_changes.Reader.TryRead(out _))
                {
                    // Replaced by the one that stands for all.
                }

                yield return new Change("all", string.Empty);
            }
        }

        /// <inheritdoc/>
        public void Dispose() => feed._listeners.TryRemove(this, out _);

        internal void Offer(Change change)
        {
            if (!_changes.Writer.TryWrite(change))
                _overrun = true;
        }
    }
}
