using Berth.Contracts.Sessions;
using Berth.Server.Connections;

namespace Berth.Server.Proxy;

/// <summary>Who is signed in, as far as the gate has to know.</summary>
/// <param name="UserId">The user.</param>
/// <param name="SignInId">The browser's sign-in; the gate's cookie lives no longer than it.</param>
public sealed record Visitor(string UserId, string SignInId);

/// <summary>
/// Everything that the proxy asks of other rooms, in one place. What is asked for each request (<paramref name="IsSignedIn"/>,
/// <paramref name="FrontEndToken"/>) must answer from memory as long as memory is known to be right.
/// </summary>
/// <param name="SignedIn">Who is signed in on the server's own origin, by cookie; null: nobody.</param>
/// <param name="IsSignedIn">Whether a sign-in is still good: neither signed out, revoked nor expired.</param>
/// <param name="FrontEndToken">The token that a session's front end expects.</param>
/// <param name="DialAgent">A byte stream to a port inside a session, through its agent.</param>
/// <param name="FindSession">A session of a user, ended ones among them; null where there is none.</param>
/// <param name="Resume">Starts a paused or failed session of a user again.</param>
/// <param name="Touched">Told of input to a session: that there was some since the last time, or that there was none any more.</param>
/// <param name="BeginVisit">Notes that a visitor's browser, at an address, reaches a session's origin.</param>
/// <param name="Pace">A connection of a browser to a session, no faster than the session may be.</param>
public sealed record Neighbours(
    Func<HttpContext, Visitor?> SignedIn,
    Func<string, CancellationToken, ValueTask<bool>> IsSignedIn,
    Func<string, string> FrontEndToken,
    Func<string, int, CancellationToken, Task<Stream>> DialAgent,
    Func<Visitor, string, CancellationToken, Task<SessionView?>> FindSession,
    Func<Visitor, string, CancellationToken, Task> Resume,
    Action<string, bool> Touched,
    Func<SessionOrigin, string, string, NotedConnection> BeginVisit,
    Func<string, Stream, Stream> Pace);
