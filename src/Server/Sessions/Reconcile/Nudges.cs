namespace Berth.Server.Sessions.Reconcile;

/// <summary>Tells the reconciler what happened to sessions elsewhere, so that it need not ask the database all the time.</summary>
public sealed class Nudges
{
    /// <summary>Provider instance and session id.</summary>
    public event Action<string, string>? Nudged;

    /// <summary>Something is wanted of this session.</summary>
    public void Nudge(string provider, string sessionId) => Nudged?.Invoke(provider, sessionId);

    /// <summary>Session id, and whether it was given input since the last time.</summary>
    public event Action<string, bool>? Touched;

    /// <summary>A session was given input, or is not any more.</summary>
    public void Touch(string sessionId, bool input) => Touched?.Invoke(sessionId, input);
}
