using Berth.Core.Providers;

namespace Berth.Core.Sessions;

/// <summary>What was sighted of a session moves its status.</summary>
public static partial class Lifecycle
{
    /// <summary>What engines say of containers whose end they did not see: they were down themselves.</summary>
    private const int EndNotSeen = 255;

    private static Session See(Session session, Sighting sighting, DateTimeOffset now) => (session.Status, sighting.Foreign) switch
    {
        (_, ForeignSighting.Away({ LostAt: var lostAt })) when IsWithdrawn(session) && lostAt <= now => Released(session, workspaceDeleted: !session.Line!.Tied, now),
        _ when session.Step == Step.Waiting || IsWithdrawn(session) => session, // what is seen is of a start that nobody wants any more
        (SessionStatus.Launching or SessionStatus.Running, ForeignSighting.Seen(var seen)) => SeeForeign(Back(session, now), seen, sighting.Agent, now),
        (SessionStatus.Launching or SessionStatus.Running, ForeignSighting.Away(var absence)) => Miss(session, absence, now),
        // Whatever is left of it is removed when its machine comes back; until then its owner may start anew.
        (SessionStatus.Stopping or SessionStatus.Pausing, ForeignSighting.Away({ LostAt: var lostAt })) when lostAt <= now => Released(session, workspaceDeleted: false, now),
        (_, ForeignSighting.Seen({ State: not ForeignState.Unknown } seen)) when IsLost(session) =>
            SeeForeign(Back(To(session, session.Step == Step.StartIntended ? SessionStatus.Launching : SessionStatus.Running, now), now), seen, sighting.Agent, now),
        (_, ForeignSighting.Absent) when IsLost(session) => session with { Reason = Reason.Vanished, Detail = null },
        (SessionStatus.Launching or SessionStatus.Running, ForeignSighting.Absent) when session.Step == Step.Started =>
            Fail(session, Reason.Vanished, null, now),
        (SessionStatus.Launching or SessionStatus.Running, _) when session.Step == Step.Started => SeeAgent(session, sighting.Agent, now),
        _ => session,
    };

    // Of one that was on its way it is not known how far it came: if it is seen again, it goes on being that.
    private static Session Miss(Session session, Absence absence, DateTimeOffset now) => (session.Status, Lost: absence.LostAt <= now) switch
    {
        (SessionStatus.Running, true) => Fail(session, Reason.NodeLost, absence.Words, now),
        (_, true) => Fail(session with { Step = Step.StartIntended }, Reason.NodeLost, absence.Words, now),
        (SessionStatus.Running, false) => session with { Reason = Reason.NodeAway, Detail = absence.Words },
        // That is no starting time.
        _ => session with { Reason = Reason.NodeAway, Detail = absence.Words, StageDetail = absence.Words, StartingSince = null },
    };

    /// <summary>Its machine is back. What it was used for meanwhile is not known, so its time without use begins anew.</summary>
    private static Session Back(Session session, DateTimeOffset now) => session.Reason is not (Reason.NodeAway or Reason.NodeLost) ? session : session.Status switch
    {
        SessionStatus.Running => session with { Reason = null, Detail = null, LastUsed = now, WarnedOf = null },
        SessionStatus.Launching => session with { Reason = null, Detail = null, StageDetail = null, StartingSince = now },
        _ => session,
    };

    private static Session SeeForeign(Session session, Observation seen, AgentSighting? agent, DateTimeOffset now)
    {
        switch (seen.State)
        {
            case ForeignState.Queued:
                var queued = session.Status == SessionStatus.Running ? To(session, SessionStatus.Launching, now) : session;
                return InStage(Accepted(queued), Stage.Queued, QueueDetail(seen), now);
            case ForeignState.Running:
                return SeeAgent(Accepted(session), agent, now);
            case ForeignState.Exited:
                return SeeExit(session, seen, agent, now);
            default:
                return session;
        }
    }

    private static Session SeeAgent(Session session, AgentSighting? agent, DateTimeOffset now)
    {
        if (agent is null)
            return session.Stage is Stage.Placing or Stage.Pulling ? InStage(session, Stage.Preparing, null, now) : session;
        if (agent.Failure is { } failure)
            return Fail(session, failure, agent.Detail, now);
        if (session.Status == SessionStatus.Running)
            return session;
        return agent.Ready
            ? To(session with { Stage = null, StageDetail = null, Reason = null, Detail = null }, SessionStatus.Running, now)
            : InStage(session, agent.Stage, agent.Detail, now);
    }

    private static Session SeeExit(Session session, Observation seen, AgentSighting? agent, DateTimeOffset now)
    {
        var code = agent?.ExitCode ?? seen.ExitCode;
        var ended = session with { Step = Step.Started, ExitCode = code };
        var words = code switch
        {
            null => "exit code not known",
            > 128 and < 160 => $"signal {code - 128}",
            _ => $"exit code {code}",
        };
        if (seen.OutOfMemory)
            return Fail(ended, Reason.OutOfMemory, null, now);
        if (agent?.Failure is { } failure)
            return Fail(ended, failure, agent.Detail, now);
        if (agent?.ExitCode is null && seen.ExitCode is 137 or 143)
            return Fail(ended, Reason.Killed, words, now);
        if (agent?.ExitCode is null && seen.ExitCode == EndNotSeen)
            return Fail(ended, Reason.Killed, "its engine or its machine was restarted", now);
        if (session.Status == SessionStatus.Launching)
            return Fail(ended, Reason.ExitedEarly, agent is null && seen.LastWords is { Length: > 0 } last ? $"{words}: {last}" : words, now);
        return code == 0
            ? Stop(ended, deleteWork: false, now, Reason.FrontEndFinished)
            : Fail(ended, Reason.FrontEndFailed, words, now);
    }

    private static string? QueueDetail(Observation seen) => (seen.QueuePosition, seen.Words) switch
    {
        ({ } position, { Length: > 0 } words) => $"place {position} in the line ({words})",
        ({ } position, _) => $"place {position} in the line",
        (_, { Length: > 0 } words) => words,
        _ => null,
    };
}
