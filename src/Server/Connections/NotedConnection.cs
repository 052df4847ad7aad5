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

/// <summary>
/// A connection in memory. Counting its bytes takes no lock. So long as it stays after its last line has ended, it is not
/// over; then it was when that line ended.
/// </summary>
public sealed class NotedConnection(
    string id, string sessionId, string stream, string userId, string kind, string? target, string address, TimeSpan stays, TimeProvider clock,
    Action changed)
{
    // Of an open one is written what has moved, and now and then that it is there.
    private static readonly TimeSpan s_bytesEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_seenEvery = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly long _startedAt = clock.GetUtcNow().ToUnixTimeMilliseconds();
    private long _in;
    private long _out;
    private (long In, long Out) _written;
    private long _seenAt;
    private long? _leftAt;
    private int _open;
    private bool _changed = true;
    private bool _closed;
    private bool _over;
    private bool _forgotten;

    /// <summary>To which session.</summary>
    public string SessionId => sessionId;

    /// <summary>Which stream, or which visit.</summary>
    public string Stream => stream;

    /// <summary>How many have gone to the session, and come from it.</summary>
    public (long In, long Out) Bytes => (Interlocked.Read(ref _in), Interlocked.Read(ref _out));

    /// <summary>It is over, and written down as that.</summary>
    public bool IsForgotten
    {
        get
        {
            lock (_lock)
                return _forgotten;
        }
    }

    /// <summary>So many bytes of the stream have gone to the session since its begin, over all of its lines.</summary>
    public void ReachIn(long bytes) => Reach(ref _in, bytes);

    /// <summary>And so many have come from it.</summary>
    public void ReachOut(long bytes) => Reach(ref _out, bytes);

    /// <summary>So many more bytes go to the session.</summary>
    public void AddIn(int bytes) => Interlocked.Add(ref _in, bytes);

    /// <summary>And so many more come from it.</summary>
    public void AddOut(int bytes) => Interlocked.Add(ref _out, bytes);

    /// <summary>A line of it begins.</summary>
    /// <returns>False: it has been let go, and another one has to be made.</returns>
    public bool Enter()
    {
        lock (_lock)
        {
            if (_forgotten)
                return false;
            _open++;
            (_leftAt, _closed) = (null, false);
            if (_over)
                (_over, _changed) = (false, true);
            if (!_changed)
                return true;
        }
        changed();
        return true;
    }

    /// <summary>A line of it has ended.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            // The line before may end after the next one has begun.
            if (_open == 0 || --_open > 0)
                return;
            _leftAt = Now;
            if (stays > TimeSpan.Zero)
                return;
            _changed = true;
        }
        changed();
    }

    /// <summary>Whatever is open of it ends: the server does.</summary>
    internal void Close()
    {
        lock (_lock)
        {
            (_open, _leftAt) = (0, _leftAt ?? Now);
            _changed = _closed = true;
        }
    }

    internal bool IsDue()
    {
        lock (_lock)
        {
            var ago = TimeSpan.FromMilliseconds(Now - _seenAt);
            return _changed || IsOver() || ago >= s_seenEvery || (ago >= s_bytesEvery && _written != Bytes);
        }
    }

    /// <summary>What to write.</summary>
    internal ConnectionRow Take()
    {
        lock (_lock)
        {
            (_changed, _over, _seenAt, _written) = (false, IsOver(), Now, Bytes);
            return new ConnectionRow
            {
                Id = id,
                SessionId = sessionId,
                Stream = stream,
                UserId = userId,
                Kind = kind,
                Target = target,
                Address = address,
                StartedAt = _startedAt,
                SeenAt = _seenAt,
                EndedAt = _over ? _leftAt : null,
                BytesIn = _written.In,
                BytesOut = _written.Out,
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
            return _forgotten = _over && !_changed;
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private bool IsOver() => _leftAt is { } left && (_closed || Now - left >= stays.TotalMilliseconds);

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
