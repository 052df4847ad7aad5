namespace Berth.Cli.Servers;

/// <summary>
/// The server's time of day, as far as it is known: the times that it tells are by its clock, and a laptop's may be hours
/// off. Durations are this machine's.
/// </summary>
/// <param name="here">This machine's clock.</param>
/// <param name="ahead">How much the server's is ahead of it.</param>
internal sealed class ServerTime(TimeProvider here, Func<TimeSpan> ahead) : TimeProvider
{
    public override long TimestampFrequency => here.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => here.LocalTimeZone;

    public override DateTimeOffset GetUtcNow() => here.GetUtcNow() + ahead();

    public override long GetTimestamp() => here.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => here.CreateTimer(callback, state, dueTime, period);
}
