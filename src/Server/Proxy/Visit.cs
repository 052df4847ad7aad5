using System.Globalization;
using Berth.Server.Connections;
using Berth.Server.Sessions;

namespace Berth.Server.Proxy;

/// <summary>What is the same for all requests of a visit to one start of a session, made once.</summary>
internal sealed record VisitTarget(SessionRoute Route, string Prefix, string? Authorization);

/// <summary>A browser at one origin of a session.</summary>
/// <param name="number">Tells it from all others.</param>
/// <param name="origin">Where it is.</param>
/// <param name="begin">Notes that it begins, or begins again.</param>
public sealed class Visit(long number, SessionOrigin origin, Func<NotedConnection> begin)
{
    private readonly Lock _lock = new();
    private NotedConnection? _noted;
    private volatile VisitTarget? _target;

    /// <summary>Where it is.</summary>
    public SessionOrigin Origin => origin;

    /// <summary>Tells it from all others, in the letters of a host name.</summary>
    public string Name { get; } = number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Nothing of it is open, and what it was, if anything, is written down.</summary>
    internal bool IsOver
    {
        get
        {
            lock (_lock)
                return _noted is null or { IsForgotten: true };
        }
    }

    /// <summary>Where its requests went last.</summary>
    internal VisitTarget? Target { get => _target; set => _target = value; }

    /// <summary>Takes a connection to the app that is its own, and its place; what is noted of it ends with the last of them.</summary>
    public Stream Take(Stream connection, IDisposable place)
    {
        lock (_lock)
        {
            if (_noted is null || !_noted.Enter())
                _noted = begin();
            return new CountedStream(connection, _noted, place);
        }
    }
}
