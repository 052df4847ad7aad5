using System.Threading.Channels;

namespace Berth.Fakes;

/// <summary>A clock that stands still until it is moved, and tells of each pause that is begun.</summary>
public sealed class PauseClock : TimeProvider
{
    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch);
    private readonly Channel<TimeSpan> _pauses = Channel.CreateUnbounded<TimeSpan>();

    public ChannelReader<TimeSpan> Pauses => _pauses.Reader;

    public override long TimestampFrequency => _clock.TimestampFrequency;

    public override long GetTimestamp() => _clock.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

    public void Advance(TimeSpan time) => _clock.Advance(time);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = _clock.CreateTimer(callback, state, dueTime, period);
        _pauses.Writer.TryWrite(dueTime);
        return timer;
    }
}
