namespace Berth.Core.Sessions;

/// <summary>The part of a session's life in which it waits for a machine.</summary>
public static partial class Lifecycle
{
    /// <summary>
    /// A start of a pool with queues begins in line. That is no starting time, and no failure. Where there is no work of it
    /// on a machine yet, it may go to any.
    /// </summary>
    public static Session Line(Session session)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Line is not { } line ? session : session with
        {
            Line = line with { Tied = session.HasWorkspace, Refusals = [] },
            Step = Step.Waiting,
            Stage = Stage.Queued,
            StageDetail = null,
            StartingSince = null,
        };
    }

    /// <summary>It waits with another priority. Its place is that of the time at which it was asked for, as before.</summary>
    /// <exception cref="IllegalTransitionException">It does not wait in line.</exception>
    public static Session Prioritised(Session session, int priority)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session is { Step: Step.Waiting, Line: { } line }
            ? session with { Line = line with { Priority = priority } }
            : throw new IllegalTransitionException(session.Status, "moved in line");
    }

    /// <summary>It was given a machine: its start begins now, and with it all its times.</summary>
    public static Session Placed(Session session, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session with
        {
            Step = Step.None,
            Stage = Stage.Placing,
            StageDetail = null,
            StartingSince = now,
            LastUsed = now,
            HasWorkspace = true,
        };
    }

    /// <summary>
    /// The machine that it was given does not take it, which says nothing of others: it goes back to its place in line once
    /// nothing of it is on the machine any more.
    /// </summary>
    /// <param name="session">As it was.</param>
    /// <param name="instance">Provider instance of the machine.</param>
    /// <param name="reason">Why, and <paramref name="detail"/> in words.</param>
    /// <param name="detail">The particulars.</param>
    /// <param name="nothingBegun">The machine has certainly never heard of this start.</param>
    /// <param name="now">The time.</param>
    public static Session TurnedAway(Session session, string instance, Reason reason, string detail, bool nothingBegun, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        // One that was seen there has begun, and there may be work of it.
        if (session is not { Status: SessionStatus.Launching, Step: Step.StartIntended, Line: { } line })
            return Refused(session, reason, detail, now);
        var away = session with
        {
            Line = line.RefusedBy(instance, reason.Sentence(detail), now),
            Step = Step.StopIntended,
            Reason = reason,
            Detail = detail,
            Stage = Stage.Placing,
            StageDetail = null,
            StartingSince = null,
        };
        return nothingBegun ? BackInLine(away, workspaceDeleted: !line.Tied) : away;
    }

    /// <summary>Its machine did not take it, and is to forget it.</summary>
    private static bool IsWithdrawn(Session session) => session is { Status: SessionStatus.Launching, Step: Step.StopIntended, Line: not null };

    // Its place is that of the time at which it was asked for. It is another start: what is said of the one before is ignored.
    private static Session BackInLine(Session session, bool workspaceDeleted) => session with
    {
        Generation = session.Generation + 1,
        Step = Step.Waiting,
        Stage = Stage.Queued,
        StageDetail = null,
        StartingSince = null,
        Reason = null,
        Detail = null,
        HasWorkspace = session.HasWorkspace && !workspaceDeleted,
    };

    // Nothing was begun anywhere, so nothing is to be stopped; work of an earlier start stays where it is.
    private static Session Leave(Session session, DateTimeOffset now) => Released(session, workspaceDeleted: false, now);
}
