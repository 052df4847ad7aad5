namespace Berth.Server.Connections;

/// <summary>
/// So many bytes a second for all streams of a session, which share them fairly: each has its turn after as many bytes as the
/// others had, and a message that is smaller, or of a stream that has said little, goes before what is more. What was not
/// used is kept for a second.
/// </summary>
/// <remarks>
/// Start-time fair queueing (Goyal, Vin, Cheng, 1996): each message is tagged with how much its lane has had before it, those
/// with the lowest tags go first, and a lane that was idle goes on from the tag of the last that passed. Tags are compared in
/// slices, and within one the smallest message goes first: a key does not wait for the others' round to end.
/// </remarks>
public sealed class FairShare : IDisposable
{
    private const int SlicesPerSecond = 50;
    private const int SmallestSlice = 1024;
    private const int LargestSlice = 64 * 1024;

    private readonly Lock _lock = new();
    private readonly PriorityQueue<Waiting, (long Round, int Bytes, long Order)> _line = new();
    private readonly long _perSecond;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private double _left;
    private long _leftAt;
    private long _passed;
    private long _order;
    private bool _over;

    public FairShare(long bytesPerSecond, TimeProvider clock)
    {
        (_perSecond, _clock, _left, _leftAt) = (bytesPerSecond, clock, bytesPerSecond, clock.GetTimestamp());
        _timer = clock.CreateTimer(_ => Serve(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>So many bytes pass at once: who comes after them waits no longer than a fiftieth of a second for them.</summary>
    public int Slice => (int)Math.Clamp(_perSecond / SlicesPerSecond, SmallestSlice, LargestSlice);

    /// <summary>One direction of a stream.</summary>
    public Lane NewLane() => new(this);

    /// <summary>Whoever still waits passes: what it would use is gone.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _over = true;
            while (_line.TryDequeue(out var next, out _))
                next.Turn.SetResult();
        }
        _timer.Dispose();
    }

    private ValueTask PassAsync(Lane lane, int bytes, CancellationToken ct)
    {
        Waiting waiting;
        lock (_lock)
        {
            Refill();
            var tag = Math.Max(_passed, lane.Had);
            lane.Had = tag + bytes;
            if (_over || (_line.Count == 0 && _left > 0))
            {
                Pass(tag, bytes);
                return ValueTask.CompletedTask;
            }
            waiting = new Waiting(tag, bytes);
            _line.Enqueue(waiting, (tag / Slice, bytes, _order++));
            Arm();
        }
        return new ValueTask(waiting.Turn.Task.WaitAsync(ct));
    }

    private void Serve()
    {
        lock (_lock)
        {
            Refill();
            while (_left > 0 && _line.TryDequeue(out var next, out _))
            {
                Pass(next.Tag, next.Bytes);
                next.Turn.SetResult();
            }
            if (_line.Count > 0)
                Arm();
        }
    }

    // What passes may owe a part of itself, which those who come next wait for.
    private void Pass(long tag, int bytes)
    {
        _left -= bytes;
        _passed = Math.Max(_passed, tag);
    }

    private void Refill()
    {
        var now = _clock.GetTimestamp();
        _left = Math.Min(_perSecond, _left + (_clock.GetElapsedTime(_leftAt, now).TotalSeconds * _perSecond));
        _leftAt = now;
    }

    private void Arm() => _timer.Change(TimeSpan.FromSeconds(Math.Max(0.001, (1 - _left) / _perSecond)), Timeout.InfiniteTimeSpan);

    private sealed class Waiting(long tag, int bytes)
    {
        public long Tag => tag;

        public int Bytes => bytes;

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>One direction of a stream, whose messages keep their order.</summary>
    public sealed class Lane(FairShare share)
    {
        internal long Had { get; set; }

        /// <summary>Waits until so many bytes more may pass. One at a time.</summary>
        public ValueTask PassAsync(int bytes, CancellationToken ct) => share.PassAsync(this, bytes, ct);
    }
}
