using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Queues;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Server.Sessions;

/// <summary>What an owner asks of a session. Each writes the wish and nudges the reconciler; none waits for it.</summary>
public sealed class SessionCommands(
    SessionStore store, SessionQueries queries, ClassChooser classes, LineEntry entry, Nudges nudges, TimeProvider clock)
{
    private const int DefaultExtension = 24 * 60;

    /// <summary>Gives back compute, keeps the workspace.</summary>
    public Task<SessionView> PauseAsync(Caller caller, string session, CancellationToken ct) =>
        ChangeAsync(caller, session, "pause", s => s with { Session = Lifecycle.Pause(s.Session, Now) }, ct);

    /// <summary>Ends it; the workspace is kept for the retention time unless <paramref name="deleteWork"/>.</summary>
    public Task<SessionView> StopAsync(Caller caller, string session, bool deleteWork, CancellationToken ct) =>
        ChangeAsync(caller, session, "stop", s => s with { Session = Lifecycle.Stop(s.Session, deleteWork, Now) }, ct);

    /// <summary>Starts it again in its workspace, in another class where one is named.</summary>
    public async Task<SessionView> ResumeAsync(Caller caller, string session, ResumeRequest request, CancellationToken ct)
    {
        var found = await queries.RequireAsync(caller, session, ct);
        await classes.RequirePoolAsync(caller, found, ct);
        var change = request.ResourceClassId is { } classId ? await classes.ForResumeAsync(caller, found, classId, ct) : found;
        if (change.Session is { Line: { } line, Status: SessionStatus.Paused or SessionStatus.Failed } wanted)
            entry.Require(new Comer(change.Facts.UserId, null, line.Queue, change.Spec.Resources, wanted.Limits, wanted.HasWorkspace ? change.Facts.Provider : null));

        return await ChangeAsync(
            caller,
            found.Session.Id,
            "resume",
            s => s with
            {
                Session = Lifecycle.Resume(s.Session, Now),
                Spec = change.Spec,
                Facts = s.Facts with { ClassId = change.Facts.ClassId },
                Notices = [],
                Address = null,
            },
            ct);
    }

    /// <summary>Another class from the next resume on.</summary>
    public async Task<SessionView> ChangeClassAsync(Caller caller, string session, int classId, CancellationToken ct)
    {
        var found = await queries.RequireAsync(caller, session, ct);
        if (found.Session.Status is not (SessionStatus.Paused or SessionStatus.Failed))
            throw new ProblemException(
                ProblemCode.Conflict, $"The class of session '{found.Facts.Name}' can be changed while it is paused: `berth session pause {found.Facts.Name}`.", "resource_class_id");
        var change = await classes.ForResumeAsync(caller, found, classId, ct);
        var now = Now;
        return await ChangeAsync(
            caller,
            session,
            "change",
            s => s with { Spec = change.Spec, Facts = change.Facts },
            ct,
            new NewEvent("class", $"Its class for the next start is {classId}.", now));
    }

    /// <summary>Idleness does not stop it before then; at its maximum age, which is the pool's rule, it is paused all the same.</summary>
    public async Task<SessionView> ExtendAsync(Caller caller, string session, ExtendRequest request, CancellationToken ct)
    {
        var minutes = request.Minutes ?? DefaultExtension;
        if (minutes is < 1 or > 7 * 24 * 60)
            throw new ProblemException(ProblemCode.Invalid, "A session can be extended by 1 to 10080 minutes (7 days).", "minutes");
        var found = await queries.RequireAsync(caller, session, ct);
        var wanted = Now.AddMinutes(minutes);
        var last = Deadlines.Final(found.Session);
        if (last is not null && Deadlines.Earliest(found.Session) is { Kind: DeadlineKind.Age, After: var age })
            throw new ProblemException(ProblemCode.Conflict, $"Session '{found.Facts.Name}' cannot be extended: it runs until its pool's maximum age of {Deadline.Words(age)} already. "
                + $"Pause it and resume it for as long again: `berth session pause {found.Facts.Name}`, then `berth session resume {found.Facts.Name}`.");
        var until = last < wanted ? last.Value : wanted;
        return await ChangeAsync(
            caller,
            session,
            "extend",
            s => s with { Session = Lifecycle.Extend(s.Session, until) },
            ct,
            new NewEvent("extended", $"Extended to {(until < wanted ? "its maximum age," : "at least")} {until:yyyy-MM-dd HH:mm} UTC.", Now));
    }

    /// <summary>Lets it go sooner or later than others while it waits in line for a machine.</summary>
    public Task<SessionView> PrioritiseAsync(Caller caller, string session, int priority, CancellationToken ct)
    {
        StartRules.CheckPriority(priority, caller);
        return ChangeAsync(
            new Asked(caller, "change its place in line", token => queries.RequireAsync(caller, session, token)),
            s => s with { Session = Lifecycle.Prioritised(s.Session, priority) },
            [new NewEvent("priority", $"Its priority in line is {priority} now.", Now)],
            ct);
    }

    /// <summary>Counts as use.</summary>
    public Task<SessionView> UsedAsync(Caller caller, string session, DateTimeOffset at, CancellationToken ct) =>
        ChangeAsync(caller, session, "use", s => s with { Session = Lifecycle.Used(s.Session, at < Now ? at : Now) }, ct);

    private DateTimeOffset Now => clock.GetUtcNow();

    private Task<SessionView> ChangeAsync(
        Caller caller, string session, string verb, Func<StoredSession, StoredSession> change, CancellationToken ct, params NewEvent[] events) =>
        ChangeAsync(new Asked(caller, verb, token => queries.RequireAsync(caller, session, token), EvenSo: events.Length > 0), change, events, ct);

    /// <summary>Decides on a session as it is, saves what follows and nudges; again where somebody else saved it in between.</summary>
    internal async Task<SessionView> ChangeAsync(Asked asked, Func<StoredSession, StoredSession> change, NewEvent[] events, CancellationToken ct)
    {
        while (true)
        {
            var before = await asked.LoadAsync(ct);
            StoredSession after;
            try
            {
                after = change(before);
            }
            catch (IllegalTransitionException e)
            {
                throw new ProblemException(ProblemCode.Conflict, Refusal(before, asked.Verb, e));
            }

            if (after.Session == before.Session && !asked.EvenSo)
                return await queries.ViewAsync(before, ct);
            var ask = new Ask(asked.By.Username, after.Session.Generation > before.Session.Generation ? connection => Quotas.RequireAsync(connection, new Claim(after.Session.Id, after.Facts.UserId, after.Facts.PoolId, after.Spec.Resources)) : null);
            if (await store.SaveAsync(before, after, ask, ct, events) is not { } saved)
                continue; // The reconciler saved it in between: decide again on what it is now.
            nudges.Nudge(saved.Facts.Provider, saved.Session.Id);
            return await queries.ViewAsync(saved, ct);
        }
    }

    private static string Refusal(StoredSession session, string verb, IllegalTransitionException e)
    {
        var name = session.Facts.Name;
        var next = e.From switch
        {
            SessionStatus.Ended when session.Session.HasWorkspace =>
                $"Start one that goes on with its work: `berth session start --continue {session.Session.Id}`.",
            SessionStatus.Ended => "Start a new one: `berth session start`.",
            SessionStatus.Stopping => "It is being stopped.",
            SessionStatus.Pausing => "Wait until it is paused.",
            _ when Lifecycle.IsLost(session.Session) => Reason.NodeLost.NextStep(name)!,
            SessionStatus.Paused => $"Resume it with `berth session resume {name}`.",
            _ => $"See `berth session show {name}`.",
        };
        if (Lifecycle.IsLost(session.Session))
            return $"The machine of session '{name}' is lost: it cannot {verb}. {next}";
        return $"Session '{name}' is {e.From.ToString().ToLowerInvariant()} and cannot {verb}. {next}";
    }
}

/// <summary>What somebody asks of a session.</summary>
/// <param name="By">Who.</param>
/// <param name="Verb">For refusals: it cannot …</param>
/// <param name="LoadAsync">Finds the session, as far as they may.</param>
/// <param name="EvenSo">It is saved though its state stays the same.</param>
internal sealed record Asked(Caller By, string Verb, Func<CancellationToken, Task<StoredSession>> LoadAsync, bool EvenSo = false);
