using System.Collections.Concurrent;
using Berth.Files.Disk;

namespace Berth.Files;

/// <summary>Who sends to a <see cref="Receiver"/>.</summary>
/// <param name="IsAway">Its line is lost; it may come back.</param>
/// <param name="GiveUp">Waits for it no longer.</param>
/// <param name="HasCalledOff">It was this side that called the copy off: nothing of it is to be left.</param>
public sealed record CopyPeer(Func<bool> IsAway, Action GiveUp, Func<bool> HasCalledOff);

/// <summary>
/// The large files that this process is receiving. One whose sender is away is held for it; the same file begun again is
/// that sender's next attempt, and takes over what is there.
/// </summary>
public sealed class Drafts
{
    private readonly ConcurrentDictionary<(ulong Inode, uint Major, uint Minor), Held> _held = new();

    /// <summary>A file is being received, until the result is disposed.</summary>
    internal IDisposable Hold(OpenFile file, CopyPeer peer)
    {
        var key = Key(file);
        return _held[key] = new Held(peer, held => _held.TryRemove(new(key, held)));
    }

    /// <summary>Waits until nobody holds it, where its sender is away.</summary>
    /// <returns>Whether it may be free now.</returns>
    internal async Task<bool> TryFreeAsync(OpenFile file, CancellationToken ct)
    {
        if (!_held.TryGetValue(Key(file), out var held) || !held.Peer.IsAway())
            return false;
        held.Peer.GiveUp();
        await held.Released.WaitAsync(ct);
        return true;
    }

    private static (ulong Inode, uint Major, uint Minor) Key(OpenFile file)
    {
        var found = file.Look();
        return (found.Inode, found.DeviceMajor, found.DeviceMinor);
    }

    private sealed class Held(CopyPeer peer, Action<Held> release) : IDisposable
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CopyPeer Peer => peer;

        public Task Released => _released.Task;

        public void Dispose()
        {
            release(this);
            _released.TrySetResult();
        }
    }
}
