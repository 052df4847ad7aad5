using Berth.Core.Providers;

namespace Berth.Core.Sessions;

/// <summary>
/// The life of a session, as pure functions: no clock, no database, no provider. Everything that changes a
/// <see cref="Session"/> is here.
/// </summary>
/// <remarks>
/// <see cref="Decide"/>, in order:
/// 1. a deadline that has passed, and was warned of, asks in the owner's name;
/// 2. what was sighted moves the status;
/// 3. a deadline that is near is warned of;
/// 4. what is still to be done at the provider becomes the intent and the act.
/// </remarks>
public static partial class Lifecycle
{
    /// <summary>Decides what a session becomes and what is to be done for it.</summary>
    /// <param name="session">As it was saved last.</param>
    /// <param name="sighting">What is known of its present generation.</param>
    /// <param name="now">The time.</param>
    public static Decision Decide(Session session, Sighting sighting, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(sighting);
        var next = Meet(session, now);              // 1
        next = See(next, sighting, now);            // 2
        next = Warn(next, now);                     // 3
        var act = ActFor(next);                     // 4
        return new Decision(Intend(next, act), act);
    }

    /// <summary>Its owner wants it paused.</summary>
    /// <exception cref="IllegalTransitionException">It is over, or on its way there.</exception>
    public static Session Pause(Session session, DateTimeOffset now, Reason reason = Reason.ByUser, string? detail = null)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Status switch
        {
            SessionStatus.Launching when session.Step == Step.Waiting =>
                Leave(To(session with { Wish = Wish.Pause, Reason = reason, Detail = detail }, SessionStatus.Pausing, now), now),
            SessionStatus.Pausing or SessionStatus.Paused => session,
            SessionStatus.Launching or SessionStatus.Running or SessionStatus.Failed =>
                To(session with { Wish = Wish.Pause, Reason = reason, Detail = detail }, SessionStatus.Pausing, now),
            _ => throw new IllegalTransitionException(session.Status, "paused"),
        };
    }

    /// <summary>Its owner wants it ended. Asked again with <paramref name="deleteWork"/>, the workspace goes too.</summary>
    public static Session Stop(Session session, bool deleteWork, DateTimeOffset now, Reason reason = Reason.ByUser, string? detail = null)
    {
        ArgumentNullException.ThrowIfNull(session);
        var wish = deleteWork || session.Wish == Wish.StopAndDelete ? Wish.StopAndDelete : Wish.Stop;
        return session.Status switch
        {
            SessionStatus.Ended or SessionStatus.Stopping => session with { Wish = wish },
            SessionStatus.Launching when session.Step == Step.Waiting =>
                Leave(To(session with { Wish = wish, Reason = reason, Detail = detail }, SessionStatus.Stopping, now), now),
            _ => To(session with { Wish = wish, Reason = reason, Detail = detail }, SessionStatus.Stopping, now),
        };
    }

    /// <summary>Its owner wants it to run (again): a new generation, with fresh ages, in the same workspace.</summary>
    /// <exception cref="IllegalTransitionException">It is over, on its way out, or lost with its machine: there it may still run, and comes back.</exception>
    public static Session Resume(Session session, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Status switch
        {
            SessionStatus.Launching or SessionStatus.Running => session,
            SessionStatus.Paused or SessionStatus.Failed when !IsLost(session) => Line(To(
                session with
                {
                    Generation = session.Generation + 1,
                    Wish = Wish.Run,
                    Step = Step.None,
                    Stage = Stage.Placing,
                    StageDetail = null,
                    Reason = null,
                    Detail = null,
                    ExitCode = null,
                    GenerationSince = now,
                    StartingSince = now,
                    LastUsed = now,
                    ExtendedUntil = null,
                    WarnedOf = null,
                },
                SessionStatus.Launching,
                now)),
            _ => throw new IllegalTransitionException(session.Status, "resumed"),
        };
    }

    /// <summary>
    /// Its owner wants it to last at least until then: as it runs, though not beyond its maximum age, or as it is kept.
    /// </summary>
    /// <exception cref="IllegalTransitionException">It is over, or on its way elsewhere.</exception>
    public static Session Extend(Session session, DateTimeOffset until)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Status is SessionStatus.Running or SessionStatus.Launching or SessionStatus.Paused or SessionStatus.Failed
            ? session with { ExtendedUntil = until }
            : throw new IllegalTransitionException(session.Status, "extended");
    }

    /// <summary>It failed because its machine is lost: whether it still runs there is not known.</summary>
    public static bool IsLost(Session session)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session is { Status: SessionStatus.Failed, Reason: Reason.NodeLost };
    }

    /// <summary>
    /// Its machine is lost, and its owner starts another session in its stead: it is over. Its work stays there, and what still
    /// runs there ends when the machine is back.
    /// </summary>
    /// <exception cref="IllegalTransitionException">It is not lost.</exception>
    public static Session GivenUp(Session session, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        return IsLost(session)
            ? Released(Stop(session, deleteWork: false, now), workspaceDeleted: false, now)
            : throw new IllegalTransitionException(session.Status, "given up for lost");
    }

    /// <summary>Its machine was removed by force: nothing of it can be reached any more, its work neither.</summary>
    public static Session Abandoned(Session session, string detail, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        var gone = session with { Step = Step.Stopped, HasWorkspace = false };
        return session.Status == SessionStatus.Ended
            ? gone
            : To(session.Status == SessionStatus.Stopping ? gone : To(gone, SessionStatus.Stopping, now), SessionStatus.Ended, now) with { Reason = Reason.NodeRemoved, Detail = detail };
    }

    /// <summary>It was used.</summary>
    public static Session Used(Session session, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(session);
        return at > session.LastUsed ? session with { LastUsed = at } : session;
    }

    /// <summary>Somebody who sees some kinds of use says which of them there are now; the other kinds stay as they were.</summary>
    /// <param name="session">As it was.</param>
    /// <param name="seen">The kinds that were looked for.</param>
    /// <param name="uses">Those that were found.</param>
    /// <param name="at">When.</param>
    public static Session Seen(Session session, Uses seen, Uses uses, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (session.Status != SessionStatus.Running)
            return session;
        var next = session with { InUse = (session.InUse & ~seen) | (uses & seen) };
        return uses == Uses.None ? next : Used(next, at);
    }

    /// <summary>
    /// Nobody looked after it for a while: a warning given before that is not a warning any more, for it may have been used
    /// since, and its owner could not extend it.
    /// </summary>
    public static Session LookedAfterAgain(Session session, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.WarnedOf <= now ? session with { WarnedOf = null } : session;
    }

    /// <summary>The provider says what a start is doing while it does it.</summary>
    public static Session Progress(Session session, StageReport report, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(report);
        return session is { Status: SessionStatus.Launching, Step: not Step.Waiting } ? InStage(session, report.Stage, report.Detail, now) : session;
    }

    /// <summary>The provider has accepted the start of this generation; too late where the session has failed meanwhile.</summary>
    public static Session Accepted(Session session)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session is { Status: SessionStatus.Launching, Step: Step.StartIntended } ? session with { Step = Step.Started, Reason = null, Detail = null } : session;
    }

    /// <summary>The provider holds nothing of the session any more.</summary>
    public static Session Released(Session session, bool workspaceDeleted, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (IsWithdrawn(session))
            return BackInLine(session, workspaceDeleted);
        var next = session with { Step = Step.Stopped, HasWorkspace = session.HasWorkspace && !workspaceDeleted };
        return session.Status switch
        {
            SessionStatus.Pausing => To(next, SessionStatus.Paused, now),
            SessionStatus.Stopping => To(next, SessionStatus.Ended, now),
            _ => next,
        };
    }

    /// <summary>
    /// The provider did not accept a start. Where the reason says that it may yet, the session waits (that is no
    /// starting time) and the start is repeated; otherwise it fails.
    /// </summary>
    public static Session Refused(Session session, Reason reason, string detail, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (session.Status != SessionStatus.Launching || session.Step == Step.Waiting)
            return session;
        return reason.Rule().Retry
            ? session with { Reason = reason, Detail = detail, StartingSince = null, Stage = Stage.Placing, StageDetail = detail }
            : Fail(session, reason, detail, now);
    }

    // 1. Deadlines ----------------------------------------------------------------------------------------------------

    private static Session Meet(Session session, DateTimeOffset now)
    {
        if (Deadlines.Earliest(session) is not { } deadline || deadline.At > now)
            return session;
        if (deadline.Warning > TimeSpan.Zero && session.WarnedOf != deadline.At)
            return session; // 3: nobody is met by it unwarned
        var after = Deadline.Words(deadline.After);
        return deadline.Kind switch
        {
            DeadlineKind.Idle => Pause(session, now, Reason.Idle, after),
            DeadlineKind.Age => Pause(session, now, Reason.MaximumAge, after),
            DeadlineKind.Paused => Stop(session, deleteWork: false, now, Reason.PausedTooLong, after),
            DeadlineKind.Failed => Stop(session, deleteWork: false, now, Reason.FailedTooLong, after),
            DeadlineKind.Retention => session with { Wish = Wish.StopAndDelete },
            _ when session.Stage == Stage.Starting => Fail(session, Reason.NothingListens, session.StageDetail ?? after, now),
            _ => Fail(session, Reason.StartTimeout, $"{after}, in the stage {session.Stage}", now),
        };
    }

    // 3. Warnings -----------------------------------------------------------------------------------------------------

    // One that has passed unwarned (the session's machine slept or was away, or the server was) acts after its warning's time.
    private static Session Warn(Session session, DateTimeOffset now) => session with
    {
        WarnedOf = Deadlines.Earliest(session) is not { } deadline || deadline.WarnAt > now || deadline.Warning == TimeSpan.Zero ? null
            : deadline.At > now || deadline.At == session.WarnedOf ? deadline.At
            : now + deadline.Warning,
    };

    // 4. Acts ---------------------------------------------------------------------------------------------------------

    private static Act ActFor(Session session) => session switch
    {
        { Status: SessionStatus.Launching, Step: Step.None or Step.StartIntended } => Act.Start,
        { Status: SessionStatus.Launching, Step: Step.StopIntended, Line: { } line } => line.Tied ? Act.Stop : Act.StopAndDelete,
        { Status: SessionStatus.Pausing } => Act.Stop,
        { Status: SessionStatus.Stopping, Wish: Wish.StopAndDelete } => Act.StopAndDelete,
        { Status: SessionStatus.Stopping } => Act.Stop,
        _ when IsLost(session) => Act.None, // it may still run, and come back
        { Status: SessionStatus.Failed, Step: not Step.Stopped } => Act.Stop,
        { Status: SessionStatus.Ended, Wish: Wish.StopAndDelete, HasWorkspace: true } => Act.StopAndDelete,
        _ => Act.None,
    };

    private static Session Intend(Session session, Act act) => act switch
    {
        Act.Start => session with { Step = Step.StartIntended },
        Act.Stop or Act.StopAndDelete => session with { Step = Step.StopIntended },
        _ => session,
    };

    // Moves -----------------------------------------------------------------------------------------------------------

    private static Session Fail(Session session, Reason reason, string? detail, DateTimeOffset now) =>
        To(session with { Reason = reason, Detail = detail }, SessionStatus.Failed, now);

    /// <summary>Enters a stage. The queue is left once; what comes before it in the enumeration never follows it.</summary>
    private static Session InStage(Session session, Stage stage, string? detail, DateTimeOffset now) => session with
    {
        Stage = stage,
        StageDetail = detail,
        StartingSince = stage == Stage.Queued ? null : session.StartingSince ?? now,
    };

    private static Session To(Session session, SessionStatus status, DateTimeOffset now)
    {
        if (!Legal(session.Status, status))
            throw new IllegalTransitionException(session.Status, status.ToString());
        return session with
        {
            Status = status,
            StatusSince = now,
            Stage = status == SessionStatus.Launching ? session.Stage ?? Stage.Placing : null,
            StageDetail = status == SessionStatus.Launching ? session.StageDetail : null,
            InUse = Uses.None,
            WarnedOf = null,
            ExtendedUntil = status is SessionStatus.Launching or SessionStatus.Running ? session.ExtendedUntil : null,
        };
    }

    /// <summary>The one table of what may follow what.</summary>
    public static bool Legal(SessionStatus from, SessionStatus to) => (from, to) switch
    {
        (SessionStatus.Launching, SessionStatus.Running or SessionStatus.Pausing or SessionStatus.Stopping or SessionStatus.Failed) => true,
        (SessionStatus.Running, SessionStatus.Launching or SessionStatus.Pausing or SessionStatus.Stopping or SessionStatus.Failed) => true,
        (SessionStatus.Pausing, SessionStatus.Paused or SessionStatus.Stopping) => true,
        (SessionStatus.Paused, SessionStatus.Launching or SessionStatus.Stopping) => true,
        (SessionStatus.Failed, SessionStatus.Launching or SessionStatus.Running or SessionStatus.Pausing or SessionStatus.Stopping) => true,
        (SessionStatus.Stopping, SessionStatus.Ended) => true,
        _ => false,
    };
}
