using System.Collections.Concurrent;
using System.Net;
using Berth.Server.Auth;
using Berth.Server.Options;
using Berth.Server.Sessions;

namespace Berth.Server.Proxy;

/// <summary>
/// Browsers at sessions' origins, each by its sign-in and address. A request costs one look-up: what is written down of a
/// visit hangs on its connections to the app, which are counted there and are no other visit's.
/// </summary>
public sealed class Visits
{
    // One that nobody has used for long costs a little memory and is made again; so many are kept.
    private const int Most = 20_000;

    private readonly ConcurrentDictionary<Key, Visit> _visits = new();
    private readonly ConcurrentDictionary<string, Visit> _named = new();
    private readonly Neighbours _neighbours;
    private readonly bool _behindProxy;
    private long _last;

    private readonly record struct Key(SessionOrigin Origin, string SignInId, IPAddress? Address, string? Forwarded);

    /// <summary>Follows the sessions.</summary>
    public Visits(SessionDirectory directory, Neighbours neighbours, ServerOptions options)
    {
        (_neighbours, _behindProxy) = (neighbours, options.PublicUrl is not null);
        directory.Changed += (id, route) =>
        {
            if (route is null)
                Drop(visit => visit.Origin.SessionId == id);
        };
    }

    /// <summary>Whose a request is.</summary>
    public Visit Of(HttpContext context, SessionOrigin origin, Visitor visitor)
    {
        var key = new Key(origin, visitor.SignInId, context.Connection.RemoteIpAddress, Forwarded(context));
        return _visits.TryGetValue(key, out var visit) ? visit : Add(key, visitor, context);
    }

    /// <summary>The one of this name.</summary>
    /// <exception cref="IOException">There is none any more.</exception>
    public Visit Require(string name) => _named.TryGetValue(name, out var visit) ? visit : throw new IOException("The visit is over.");

    private Visit Add(Key key, Visitor visitor, HttpContext context)
    {
        if (_visits.Count >= Most)
            Drop(visit => visit.IsOver);
        var from = key.Forwarded is { } by ? by[(by.LastIndexOf(',') + 1)..].Trim() : context.From();
        var made = new Visit(Interlocked.Increment(ref _last), key.Origin, () => _neighbours.BeginVisit(key.Origin, visitor.UserId, from));
        _named[made.Name] = made;
        var kept = _visits.GetOrAdd(key, made);
        if (kept != made)
            _named.TryRemove(made.Name, out _);
        return kept;
    }

    private void Drop(Func<Visit, bool> chosen)
    {
        foreach (var (key, visit) in _visits)
        {
            if (chosen(visit) && _visits.TryRemove(key, out _))
                _named.TryRemove(visit.Name, out _);
        }
    }

    // What a proxy of this machine says, if there is one, and nobody else.
    private string? Forwarded(HttpContext context) =>
        _behindProxy && context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
            && context.Request.Headers["X-Forwarded-For"] is [.., { Length: > 0 } last] ? last : null;
}
