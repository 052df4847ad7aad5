namespace Berth.Server.Connections;

/// <summary>A connection as stored.</summary>
internal sealed class ConnectionRow
{
    public required string Id { get; init; }
    public required string SessionId { get; init; }
    public required string Stream { get; init; }
    public required string UserId { get; init; }
    public required string Kind { get; init; }
    public string? Target { get; init; }
    public required string Address { get; init; }
    public long StartedAt { get; init; }
    public long SeenAt { get; init; }
    public long? EndedAt { get; init; }
    public bool Lost { get; init; }
    public long BytesIn { get; init; }
    public long BytesOut { get; init; }
}

/// <summary>A connection in memory. Counting its bytes takes no lock.</summary>
public sealed class NotedConnection(
    string id, string sessionId, string stream, string userId, string kind, string? target, string address, long startedAt)
{
    private readonly Lock _lock = new();
    private long _in;
    private long _out;
    private long _seenAt;
    private long? _endedAt;
    private int _open;
    private bool _changed = true;
    private bool _forgotten;

    /// <summary>To which session.</summary>
    public string SessionId => sessionId;

    /// <summary>Which stream, or whose sign-in.</summary>
    public string Stream => stream;

    /// <summary>So many bytes of the stream have gone to the session since its begin, over all of its lines.</summary>
    public void ReachIn(long bytes) => Reach(ref _in, bytes);

    /// <summary>And so many have come from it.</summary>
    public void ReachOut(long bytes) => Reach(ref _out, bytes);

    /// <returns>False: it has been let go, and another one has to be made.</returns>
    internal bool Enter()
    {
        lock (_lock)
        {
            if (_forgotten)
                return false;
            _open++;
            _endedAt = null;
            return _changed = true;
        }
    }

    internal void Leave(long now)
    {
        lock (_lock)
        {
            // The line before may end after the next one has begun.
            if (_open == 0 || --_open > 0)
                return;
            _endedAt = now;
            _changed = true;
        }
    }

    internal bool IsDue(long now, TimeSpan seenEvery)
    {
        lock (_lock)
            return _changed || (_open > 0 && now - _seenAt >= seenEvery.TotalMilliseconds);
    }

    /// <summary>What to write.</summary>
    internal ConnectionRow Take(long now)
    {
        lock (_lock)
        {
            _changed = false;
            _seenAt = now;
            return new ConnectionRow
            {
                Id = id,
                SessionId = sessionId,
                Stream = stream,
                UserId = userId,
                Kind = kind,
                Target = target,
                Address = address,
                StartedAt = startedAt,
                SeenAt = now,
                EndedAt = _endedAt,
                BytesIn = Interlocked.Read(ref _in),
                BytesOut = Interlocked.Read(ref _out),
            };
        }
    }

    /// <summary>It could not be written.</summary>
    internal void GiveBack()
    {
        lock (_lock)
            _changed = true;
    }

    /// <returns>Whether nothing of it is left to be written.</returns>
    internal bool Forget()
    {
        lock (_lock)
            return _forgotten = _open == 0 && !_changed;
    }

    // The line before may still move when the next one has begun behind it.
    private static void Reach(ref long reached, long bytes)
    {
        for (var before = Interlocked.Read(ref reached); bytes > before;)
        {
            var found = Interlocked.CompareExchange(ref reached, bytes, before);
            if (found == before)
                return;
            before = found;
        }
    }
}
