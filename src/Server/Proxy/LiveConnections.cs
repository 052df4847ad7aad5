using System.Collections.Concurrent;
using Berth.Core.Sessions;
using Berth.Server.Sessions;

namespace Berth.Server.Proxy;

/// <summary>
/// Cuts what is open: every request to a session (a WebSocket, a stream of events, a download) runs under a token that is
/// cancelled when the session ends or its visitor signs out. One token for each pair of session and sign-in, so that a
/// request costs one look-up.
/// </summary>
public sealed class LiveConnections
{
    private readonly ConcurrentDictionary<(string SessionId, string SignInId), CancellationTokenSource> _open = new();

    /// <summary>Follows the sessions.</summary>
    public LiveConnections(SessionDirectory directory) => directory.Changed += (id, route) =>
    {
        // A session on its way to pause or end still runs; its app closes what is open when it goes.
        if (route is not { Status: SessionStatus.Running or SessionStatus.Pausing or SessionStatus.Stopping })
            CutSession(id);
    };

    /// <summary>
    /// The token for a request. Take it before asking whether the sign-in is good and the session is there: then a
    /// revocation in between is seen by one or the other.
    /// </summary>
    public CancellationToken Token(string sessionId, string signInId) =>
        _open.GetOrAdd((sessionId, signInId), static _ => new CancellationTokenSource()).Token;

    /// <summary>Cuts everything that is open to a session.</summary>
    public void CutSession(string sessionId) => Cut(pair => pair.SessionId == sessionId);

    /// <summary>Cuts everything that a sign-in has opened.</summary>
    public void CutSignIn(string signInId) => Cut(pair => pair.SignInId == signInId);

    private void Cut(Func<(string SessionId, string SignInId), bool> chosen)
    {
        foreach (var (pair, source) in _open)
        {
            // What waits on the token unwinds elsewhere: whoever revokes does not wait for it. The source holds no timer and
            // no handle, and requests may still read it: it is left to the collector.
            if (chosen(pair) && _open.TryRemove(new(pair, source)))
                _ = source.CancelAsync();
        }
    }
}
