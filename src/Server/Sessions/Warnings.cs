using Berth.Core.Sessions;

namespace Berth.Server.Sessions;

/// <summary>What an owner is told before a deadline acts.</summary>
public static class Warnings
{
    /// <summary>The deadline that a session's owner is warned of now; null while none is near.</summary>
    public static Deadline? Of(Session session)
    {
        ArgumentNullException.ThrowIfNull(session);
        // Extended or used meanwhile: the warning is no more, though the reconciler has not come by yet.
        return session.WarnedOf is { } at && Deadlines.Earliest(session) is { } earliest && earliest.At == at ? earliest : null;
    }

    /// <summary>What will happen, why, and what prevents it. When, whoever shows it says: it gets nearer.</summary>
    public static string Sentence(Deadline deadline, string name)
    {
        ArgumentNullException.ThrowIfNull(deadline);
        var keep = $"keep it: `berth session extend {name}`.";
        return deadline.Kind switch
        {
            DeadlineKind.Idle => $"It will be paused: {deadline.Because}. Use it, or {keep}",
            DeadlineKind.Age => $"It will be paused: {deadline.Because}. Save your work; then go on: `berth session resume {name}`.",
            DeadlineKind.Paused => $"It will be stopped: {deadline.Because}. Resume it, or {keep}",
            DeadlineKind.Failed => $"It will be stopped: {deadline.Because}. Start it again, or {keep}",
            _ => $"Its work will be deleted: {deadline.Because}. Go on from it: `berth session start --continue {name}`.",
        };
    }
}
