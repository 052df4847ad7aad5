using System.Data.Common;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Faults;
using Berth.Core.Ids;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Pools;
using Berth.Server.Problems;
using Berth.Server.Queues;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Storage;

namespace Berth.Server.Sessions;

/// <summary>
/// Starts a session: who may, what exactly, quota, insert, nudge. No provider is called: the reconciler makes it so.
/// </summary>
/// <remarks>
/// 1. Find what is started: a launcher, an environment or an image.
/// 2. A live session of that launcher is the answer already.
/// 3. Resolve class and options into a <see cref="SessionSpec"/>.
/// 4. In one transaction: quota, unlisted launcher, session; in line, where the pool's sessions wait for machines.
/// 5. Nudge.
/// </remarks>
public sealed class StartSession(
    Db db, SessionStore store, SessionQueries queries, SessionCommands commands, ClassChooser classes, LaunchTargets targets,
    Continuation continuation, Replacement replacement, LineEntry entry, Nudges nudges, TimeProvider clock)
{
    /// <summary>Starts, or returns the live session of the same launcher.</summary>
    /// <returns>The session, and whether it is new.</returns>
    public async Task<(SessionView Session, bool Created)> StartAsync(Caller caller, StartRequest request, CancellationToken ct)
    {
        StartRules.Check(request, caller);
        var from = request.Continue is null ? null : await continuation.RequireAsync(caller, request, ct);
        var lost = request.InsteadOf is null ? null : await replacement.RequireAsync(caller, request, ct);
        for (var attempt = 0; ; attempt++)
        {
            var target = (from ?? lost) is { } earlier && !Continuation.NamesSource(request)              // 1
                ? await targets.AgainAsync(caller, earlier, ct)
                : await targets.FindAsync(caller, request, ct);
            if (target.LauncherId is { } launcher && await queries.FindLiveAsync(caller, launcher, ct) is { } live && live.Id != lost?.Session.Id)   // 2
                return (from ?? lost) is null ? (await WakeAsync(caller, live, ct), false) : throw InTheWay(live, from, lost);
            var asked = lost is null ? request : Replacement.AsItWas(request, lost);
            var chosen = await classes.ForStartAsync(caller, asked, target.ClassId, target.DiskGb, ct); // 3
            if (chosen.Row.Remote is not null)
                throw new ProblemException(
                    ProblemCode.NoCapacity,
                    $"The pool '{chosen.Row.PoolName}' sends its sessions to a cluster through FirecREST, which this version of Berth cannot do yet. Choose another pool: `berth pool list`.");
            try
            {
                var (session, givenUp) = await AddAsync(caller, asked, target, chosen, from, lost, attempt, ct);    // 4
                if (givenUp is not null)
                    store.Publish(givenUp);
                store.Publish(session);
                nudges.Nudge(session.Facts.Provider, session.Session.Id);                                 // 5
                if ((from ?? lost) is { } changed)
                    nudges.Nudge(changed.Facts.Provider, changed.Session.Id);
                return (await queries.ViewAsync(session, ct), true);
            }
            catch (DbException e) when (e.IsUniqueViolation() && attempt < 20)
            {
                // Somebody started the same launcher, or took the name, at the same moment: look again.
                if (request.Name is { } name && await queries.TryFindAsync(caller.UserId, name, ct) is not null)
                    throw new ProblemException(ProblemCode.Conflict, $"You already have a session '{name}'. Choose another name, or open it: `berth session open {name}`.", "name");
            }
            catch (DbException e) when (e.IsForeignKeyViolation() && attempt < 20)
            {
                // What is to be started was deleted at the same moment: looking again says so.
            }
        }
    }

    private async Task<(StoredSession Session, StoredSession? GivenUp)> AddAsync(
        Caller caller, StartRequest request, LaunchTarget target, ChosenClass chosen, StoredSession? from, StoredSession? lost, int attempt, CancellationToken ct)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(clock.GetUtcNow().ToUnixTimeMilliseconds()); // as it is stored
        var id = Ulid.New(clock);
        var spec = StartRules.Spec(request, target, chosen, caller);
        if ((from ?? lost) is { } earlier && !Continuation.NamesSource(request))
            spec = Continuation.WithCodeOf(earlier, spec, caller);
        var line = LineOf(caller, lost is null ? request : Replacement.InItsPlace(request, lost, chosen), chosen, spec, from, lost);
        var provider = from is not null ? from.Facts.Provider : line is null ? ProviderNames.Docker : ProviderNames.Line;
        return await db.WriteAsync(
            async connection =>
            {
                // First: its name and its launcher are free then.
                var givenUp = lost is null ? null : await replacement.GiveUpAsync(lost, id, caller, connection);
                await Quotas.RequireAsync(connection, new Claim(null, caller.UserId, chosen.Row.PoolId, chosen.Resources));
                var launcher = target.LauncherId ?? await targets.AddUnlistedAsync(caller, target, spec, connection);
                var name = request.Name ?? await SessionNaming.FreeNameAsync(caller, target.Name, attempt, connection);
                var session = new StoredSession(
                    Lifecycle.Line(Session.New(id, chosen.Limits, now) with { Line = line, HasWorkspace = line is null || from is not null }),
                    spec,
                    new SessionFacts(name, caller.UserId, launcher, target.ProjectId, chosen.Row.PoolId, chosen.Row.ClassId, provider, now),
                    [],
                    [],
                    null,
                    1);
                if (from is not null)
                {
                    await continuation.TakeAsync(from, id, name, caller, connection);
                    session = session with { Workspace = from.Workspace, Continues = from.Session.Id, Disk = from.Disk };
                }

                return (await store.AddAsync(session, caller.Username, connection), givenUp);
            },
            ct,
            Commit.Asked);
    }

    /// <summary>Where it stands in line; null: its pool has none. Who goes on from earlier work goes where that is.</summary>
    private LinePlace? LineOf(Caller caller, StartRequest request, ChosenClass chosen, SessionSpec spec, StoredSession? from, StoredSession? lost)
    {
        var onNodes = chosen.Row.Kind == PoolKinds.Nodes;
        if (from is not null && onNodes != (from.Facts.Provider != ProviderNames.Docker))
            throw new ProblemException(ProblemCode.Conflict, $"The work of session '{from.Facts.Name}' is on another machine than those of the pool '{chosen.Row.PoolName}': choose a class of its own pool, or start without it.", "continue");
        var queue = chosen.Row.Queue(request.Queue);
        if (!onNodes)
            return null;
        if (spec.HostFolder is not null || spec.Repositories.Any(r => r.IsLocal))
            throw new ProblemException(ProblemCode.Invalid, $"The machines of the pool '{chosen.Row.PoolName}' have no folders of the server's machine: give a repository that can be cloned, or choose another pool.", "host_folder");
        entry.Require(new Comer(caller.UserId, chosen.Row.PoolName, queue!, spec.Resources, chosen.Limits, from?.Facts.Provider, lost?.Facts.Provider));
        return new LinePlace(queue!, request.Priority ?? 0);
    }

    private static ProblemException InTheWay(SessionView live, StoredSession? from, StoredSession? lost) => from is null
        ? new(ProblemCode.Conflict, $"You have session '{live.Name}' of that launcher already. Name no launcher, and '{lost!.Facts.Name}' is started as it was.", "launcher_id")
        : new(
        ProblemCode.Conflict,
        $"You have session '{live.Name}' of that launcher already, with work of its own. Stop it first (`berth session stop {live.Name}`), "
        + $"or go on from '{from.Facts.Name}' in something else: `berth session start --continue {from.Session.Id} --environment …`.",
        "continue");

    /// <summary>Who starts a launcher whose session is paused or has failed wants that one to run.</summary>
    private Task<SessionView> WakeAsync(Caller caller, SessionView live, CancellationToken ct) =>
        live.Status.State is "hibernated" or "failed" ? commands.ResumeAsync(caller, live.Id, new ResumeRequest(), ct) : Task.FromResult(live);
}

/// <summary>Names of provider instances.</summary>
public static class ProviderNames
{
    /// <summary>The engine of the server's own machine.</summary>
    public const string Docker = "docker";

    /// <summary>No machine yet: the sessions that wait in line, and those that left it without ever having had one.</summary>
    public const string Line = "line";

    /// <summary>Whether it is a machine that joined.</summary>
    public static bool IsNode(string instance) => instance.StartsWith(NodeRow.InstancePrefix, StringComparison.Ordinal);
}
