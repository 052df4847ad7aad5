using System.Globalization;

namespace Berth.Core.Sessions;

/// <summary>What a deadline limits.</summary>
public enum DeadlineKind
{
    /// <summary>Time without use; the session is then paused.</summary>
    Idle,
    /// <summary>Time since the last resume; the session is then paused.</summary>
    Age,
    /// <summary>Time of a start, the queue not counted; the session then fails.</summary>
    Starting,
    /// <summary>Time in failure; the session is then stopped.</summary>
    Failed,
    /// <summary>Time in pause; the session is then stopped.</summary>
    Paused,
    /// <summary>Time after the end; the workspace is then deleted.</summary>
    Retention,
}

/// <summary>A moment at which a session is stopped, paused, failed or deleted.</summary>
/// <param name="Kind">What it limits.</param>
/// <param name="At">When.</param>
/// <param name="After">The limit itself.</param>
/// <param name="Warning">How long before it the owner is warned; zero: not at all.</param>
public sealed record Deadline(DeadlineKind Kind, DateTimeOffset At, TimeSpan After, TimeSpan Warning)
{
    /// <summary>When the owner is warned.</summary>
    public DateTimeOffset WarnAt => At - Warning;

    /// <summary>It is the time to which its owner extended the session, and later than the limit alone has it.</summary>
    public bool IsExtended { get; init; }

    /// <summary>Why, in words: "24 h without use".</summary>
    public string Because => Kind switch
    {
        _ when IsExtended => "it was extended until then",
        DeadlineKind.Idle => $"{Words(After)} without use",
        DeadlineKind.Age => $"maximum age of {Words(After)}",
        DeadlineKind.Starting => $"starts may take {Words(After)}",
        DeadlineKind.Failed => $"failed sessions are kept for {Words(After)}",
        DeadlineKind.Paused => $"paused sessions are kept for {Words(After)}",
        _ => $"work is kept for {Words(After)} after the end",
    };

    /// <summary>A span in the largest unit that shows it exactly: "24 h", "90 min", "14 days".</summary>
    public static string Words(TimeSpan span) => span switch
    {
        { TotalDays: >= 2 } when span.Ticks % TimeSpan.TicksPerDay == 0 => $"{span.Days} days",
        { TotalHours: >= 1 } when span.Ticks % TimeSpan.TicksPerHour == 0 => $"{(int)span.TotalHours} h",
        { TotalMinutes: >= 1 } when span.Ticks % TimeSpan.TicksPerMinute == 0 => $"{(int)span.TotalMinutes} min",
        _ => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#} s"),
    };
}

/// <summary>All deadlines as pure functions of the session.</summary>
public static class Deadlines
{
    /// <summary>Before a pause, where the limits say nothing else: time to come back and press a button.</summary>
    public static readonly TimeSpan WarningOfPause = TimeSpan.FromMinutes(15);

    /// <summary>Before something kept is not kept any longer, where the limits say nothing else: not everybody looks every day.</summary>
    public static readonly TimeSpan WarningOfDeletion = TimeSpan.FromDays(3);

    /// <summary>
    /// The deadlines that a session has now. None while its machine is away: whether it is used is not known, and nothing could
    /// be done about it.
    /// </summary>
    public static IEnumerable<Deadline> Of(Session session)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.IsAway ? [] : OfStatus(session);
    }

    /// <summary>The earliest deadline; null when there is none.</summary>
    public static Deadline? Earliest(Session session) => Of(session).MinBy(d => d.At);

    /// <summary>The moment that no extension moves: the maximum age. Null: there is none, or none yet.</summary>
    public static DateTimeOffset? Final(Session session)
    {
        ArgumentNullException.ThrowIfNull(session);
        return OfStatus(session).FirstOrDefault(d => d.Kind == DeadlineKind.Age)?.At;
    }

    /// <summary>When a session is to be looked at next: to warn of its earliest deadline, or to meet it.</summary>
    public static DateTimeOffset? NextLook(Session session)
    {
        ArgumentNullException.ThrowIfNull(session);
        return Earliest(session) is not { } deadline ? null
            : deadline.Warning > TimeSpan.Zero && session.WarnedOf != deadline.At ? deadline.WarnAt
            : deadline.At;
    }

    private static Deadline[] OfStatus(Session session)
    {
        var limits = session.Limits;
        // Nothing comes before the time that its owner was told.
        var latest = session.WarnedOf is { } told ? Later(told, session.ExtendedUntil) : session.ExtendedUntil;
        return session.Status switch
        {
            SessionStatus.Launching => [.. Of(DeadlineKind.Starting, session.StartingSince, limits.Starting, limits, notBefore: null)],
            // The maximum age is the pool's rule: its owner's extension moves it not.
            SessionStatus.Running =>
            [
                .. Of(DeadlineKind.Age, session.StartingSince ?? session.GenerationSince, limits.Age, limits, session.WarnedOf),
                .. Of(DeadlineKind.Idle, session.LastUsed, limits.Idle, limits, latest).Select(Named),
            ],
            SessionStatus.Failed => [.. Of(DeadlineKind.Failed, session.StatusSince, limits.Failed, limits, latest).Select(Named)],
            SessionStatus.Paused => [.. Of(DeadlineKind.Paused, session.StatusSince, limits.Paused, limits, latest).Select(Named)],
            SessionStatus.Ended when session.HasWorkspace =>
                [.. Of(DeadlineKind.Retention, session.StatusSince, limits.Retention, limits, session.WarnedOf)],
            _ => [],
        };

        Deadline Named(Deadline deadline) => deadline.At == session.ExtendedUntil ? deadline with { IsExtended = true } : deadline;
    }

    private static IEnumerable<Deadline> Of(DeadlineKind kind, DateTimeOffset? since, TimeSpan? limit, Limits limits, DateTimeOffset? notBefore)
    {
        if (since is { } from && limit is { } after && after > TimeSpan.Zero)
            yield return new(kind, Later(from + after, notBefore), after, WarningOf(kind, after, limits));
    }

    // At most half of the limit: who has half an hour is not warned for all of it.
    private static TimeSpan WarningOf(DeadlineKind kind, TimeSpan after, Limits limits)
    {
        var wanted = kind switch
        {
            DeadlineKind.Starting => TimeSpan.Zero,
            DeadlineKind.Idle or DeadlineKind.Age => limits.Warning ?? WarningOfPause,
            _ => limits.Warning ?? WarningOfDeletion,
        };
        return wanted < after / 2 ? wanted : TimeSpan.FromMilliseconds(Math.Floor((after / 2).TotalMilliseconds));
    }

    private static DateTimeOffset Later(DateTimeOffset at, DateTimeOffset? other) => other > at ? other.Value : at;
}
