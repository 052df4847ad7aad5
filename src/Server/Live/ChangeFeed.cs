using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Berth.Contracts.Sessions;

namespace Berth.Server.Live;

/// <summary>
/// Tells open pages and waiting commands that something changed. A change carries no content: whoever hears of it asks,
/// and is then checked like anybody who asks.
/// </summary>
public sealed class ChangeFeed
{
    private readonly ConcurrentDictionary<Channel<Change>, string> _listeners = new();

    /// <summary>Publishes to one user, or to everybody who is signed in where <paramref name="userId"/> is null.</summary>
    public void Publish(Change change, string? userId)
    {
        foreach (var (listener, owner) in _listeners)
        {
            if (userId is null || owner == userId)
                listener.Writer.TryWrite(change);
        }
    }

    /// <summary>
    /// Changes for one user from now on. A listener that is too slow loses the oldest: what it then asks for is current all the same.
    /// </summary>
    public async IAsyncEnumerable<Change> ListenAsync(string userId, [EnumeratorCancellation] CancellationToken ct)
    {
        var channel = Channel.CreateBounded<Change>(new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest });
        _listeners[channel] = userId;
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(ct))
                yield return change;
        }
        finally
        {
            _listeners.TryRemove(channel, out _);
        }
    }
}
