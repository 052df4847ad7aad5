using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>
/// Removes what runs though nobody wants it. Its workspace is left alone, but for that of a session whose work was deleted:
/// an engine finishes what it was asked to make, though whoever asked has broken off or was killed, and so a container may
/// appear after its session is gone, and bring the workspace back, empty. Called by the loop alone.
/// </summary>
public sealed class Reaper(ISessionProvider provider, SessionStore store, TimeProvider clock, ILogger log, Action<Signal> tell)
{
    // A machine may make up as much as it likes: what is left is seen again, and removed then.
    private const int MostAMinute = 60;

    private readonly HashSet<SessionKey> _removing = [];
    private long _minute;
    private int _begun;

    /// <summary>Nothing is on its way.</summary>
    public bool IsIdle => _removing.Count == 0;

    /// <summary>Begins to; what is on its way is not begun again.</summary>
    public void Remove(SessionKey key, CancellationToken ct)
    {
        if (_removing.Contains(key) || !MayBegin())
            return;
        _removing.Add(key);
        log.LogInformation("{Key} runs though nobody wants it: it is removed", key);
        _ = Task.Run(() => RemoveAsync(key, ct), CancellationToken.None);
    }

    /// <summary>It was removed, or could not be: the next observation shows.</summary>
    public void Removed(SessionKey key) => _removing.Remove(key);

    private bool MayBegin()
    {
        if (clock.GetElapsedTime(_minute) >= TimeSpan.FromMinutes(1))
            (_minute, _begun) = (clock.GetTimestamp(), 0);
        if (++_begun == MostAMinute + 1)
            log.LogWarning("More than {Most} things run that nobody wants: the others are removed later", MostAMinute);
        return _begun <= MostAMinute;
    }

    private async Task RemoveAsync(SessionKey key, CancellationToken ct)
    {
        try
        {
            await provider.StopAsync(key, await ModeAsync(key, ct), ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogWarning("{Key} could not be removed and is tried again: {Why}", key, e.Message);
        }
        finally
        {
            tell(new Signal.Reaped(key));
        }
    }

    // No two rows have the same workspace, so what this names is nobody else's.
    private async Task<StopMode> ModeAsync(SessionKey key, CancellationToken ct) =>
        await store.FindAsync(key.SessionId, ct) is { Session: { Status: SessionStatus.Ended, Wish: Wish.StopAndDelete, HasWorkspace: false } } deleted
            ? StopMode.DeleteWorkspaceOf(deleted.Workspace)
            : StopMode.KeepWorkspace;
}
