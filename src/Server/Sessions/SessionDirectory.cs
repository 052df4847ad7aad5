using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Berth.Core.Sessions;

namespace Berth.Server.Sessions;

/// <summary>What a request to a session's origin has to know of it: nothing of this needs the database.</summary>
/// <param name="Id">ULID, upper case.</param>
/// <param name="Name">For pages.</param>
/// <param name="OwnerId">The one user who may open it.</param>
/// <param name="Generation">Which start.</param>
/// <param name="Status">Only a running session is proxied to.</param>
/// <param name="Port">Of the front end.</param>
/// <param name="DefaultUrl">Path that opens first.</param>
/// <param name="Reach">How it is dialled.</param>
/// <param name="Address">Host for direct reach.</param>
/// <param name="Provider">The provider instance that runs it.</param>
public sealed record SessionRoute(
    string Id, string Name, string OwnerId, int Generation, SessionStatus Status, int Port, string DefaultUrl, Reach Reach, string? Address,
    string Provider);

/// <summary>
/// All sessions that are not ended, as one immutable map behind one reference: readers take no lock. Filled at start and
/// kept by whoever saves a session.
/// </summary>
public sealed class SessionDirectory
{
    private ImmutableDictionary<string, SessionRoute> _routes = ImmutableDictionary.Create<string, SessionRoute>(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// A session was added, changed or removed (null). Raised after readers see it, by whoever changed it: a listener returns at once.
    /// </summary>
    public event Action<string, SessionRoute?>? Changed;

    /// <summary>Finds a session by id, in any case (host names are lower case).</summary>
    public bool TryGet(string sessionId, [NotNullWhen(true)] out SessionRoute? route) => _routes.TryGetValue(sessionId, out route);

    /// <summary>Adds or replaces a session.</summary>
    public void Set(SessionRoute route)
    {
        if (ImmutableInterlocked.Update(ref _routes, (all, r) => all.SetItem(r.Id, r), route))
            Changed?.Invoke(route.Id, route);
    }

    /// <summary>Forgets a session.</summary>
    public void Remove(string sessionId)
    {
        if (ImmutableInterlocked.Update(ref _routes, (all, id) => all.Remove(id), sessionId))
            Changed?.Invoke(sessionId, null);
    }
}
