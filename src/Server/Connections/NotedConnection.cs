namespace Berth.Server.Connections;

/// <summary>A connection as stored; of bytes, those since it was stored last.</summary>
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

    /// <summary>Bytes to the session.</summary>
    public void CountIn(int bytes) => Interlocked.Add(ref _in, bytes);

    /// <summary>Bytes from the session.</summary>
    public void CountOut(int bytes) => Interlocked.Add(ref _out, bytes);

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

    /// <summary>What to write; the bytes are counted from 0 again.</summary>
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
                BytesIn = Interlocked.Exchange(ref _in, 0),
                BytesOut = Interlocked.Exchange(ref _out, 0),
            };
        }
    }

    /// <summary>It could not be written.</summary>
    internal void GiveBack(ConnectionRow row)
    {
        Interlocked.Add(ref _in, row.BytesIn);
        Interlocked.Add(ref _out, row.BytesOut);
        lock (_lock)
            _changed = true;
    }

    /// <returns>Whether nothing of it is left to be written.</returns>
    internal bool Forget()
    {
        lock (_lock)
            return _forgotten = _open == 0 && !_changed;
    }
}
