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
public sealed record Deadline(DeadlineKind Kind, DateTimeOffset At, TimeSpan After)
{
    /// <summary>Why, in words: "24 h without use".</summary>
    public string Because => Kind switch
    {
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
    /// <summary>The deadlines that a session has in its present status.</summary>
    public static IEnumerable<Deadline> Of(Session session)
    {
        ArgumentNullException.ThrowIfNull(session);
        var limits = session.Limits;
        switch (session.Status)
        {
            case SessionStatus.Launching when session.StartingSince is { } since:
                if (Is(limits.Starting, out var starting))
                    yield return new(DeadlineKind.Starting, since + starting, starting);
                break;
            case SessionStatus.Running:
                if (Is(limits.Idle, out var idle))
                    yield return new(DeadlineKind.Idle, Later(session.LastUsed + idle, session.ExtendedUntil), idle);
                if (Is(limits.Age, out var age))
                    yield return new(DeadlineKind.Age, Later((session.StartingSince ?? session.GenerationSince) + age, session.ExtendedUntil), age);
                break;
            case SessionStatus.Failed:
                if (Is(limits.Failed, out var failed))
                    yield return new(DeadlineKind.Failed, session.StatusSince + failed, failed);
                break;
            case SessionStatus.Paused:
                if (Is(limits.Paused, out var paused))
                    yield return new(DeadlineKind.Paused, session.StatusSince + paused, paused);
                break;
            case SessionStatus.Ended when session.HasWorkspace:
                if (Is(limits.Retention, out var retention))
                    yield return new(DeadlineKind.Retention, session.StatusSince + retention, retention);
                break;
        }
    }

    /// <summary>The earliest deadline; null when there is none.</summary>
    public static Deadline? Earliest(Session session) => Of(session).MinBy(d => d.At);

    private static bool Is(TimeSpan? limit, out TimeSpan value)
    {
        value = limit ?? default;
        return value > TimeSpan.Zero;
    }

    private static DateTimeOffset Later(DateTimeOffset at, DateTimeOffset? other) => other > at ? other.Value : at;
}
