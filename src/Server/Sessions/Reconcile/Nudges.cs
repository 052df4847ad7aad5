namespace Berth.Server.Sessions.Reconcile;

/// <summary>Tells the reconciler that a session's row has changed, so that it need not ask the database all the time.</summary>
public sealed class Nudges
{
    /// <summary>Provider instance and session id.</summary>
    public event Action<string, string>? Nudged;

    /// <summary>Something is wanted of this session.</summary>
    public void Nudge(string provider, string sessionId) => Nudged?.Invoke(provider, sessionId);
}
