using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>Removes what runs though nobody wants it; its workspace is left alone. Called by the loop alone.</summary>
public sealed class Reaper(ISessionProvider provider, ILogger log, Action<Signal> tell)
{
    private readonly HashSet<SessionKey> _removing = [];

    /// <summary>Begins to; what is on its way is not begun again.</summary>
    public void Remove(SessionKey key, CancellationToken ct)
    {
        if (!_removing.Add(key))
            return;
        log.LogInformation("{Key} runs though nobody wants it: it is removed", key);
        _ = Task.Run(() => RemoveAsync(key, ct), CancellationToken.None);
    }

    /// <summary>It was removed, or could not be: the next observation shows.</summary>
    public void Removed(SessionKey key) => _removing.Remove(key);

    private async Task RemoveAsync(SessionKey key, CancellationToken ct)
    {
        try
        {
            await provider.StopAsync(key, StopMode.KeepWorkspace, ct);
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
}
