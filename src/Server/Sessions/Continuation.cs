using System.Data.Common;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;

namespace Berth.Server.Sessions;

/// <summary>
/// Starts that go on from the work of a session that ended. In the transaction that adds the new session its workspace
/// changes hands by name alone: at each moment it is one row's, and nothing of it is copied, moved or deleted.
/// </summary>
public sealed class Continuation(SessionQueries queries, SessionStore store)
{
    /// <summary>The session whose work is asked for.</summary>
    /// <exception cref="ProblemException">There is none of the caller's, or it has nothing to go on from.</exception>
    public async Task<StoredSession> RequireAsync(Caller caller, StartRequest request, CancellationToken ct)
    {
        var wanted = request.Continue!;
        if (request.HostFolder is not null)
            throw Refused(ProblemCode.Invalid, "A session works in a folder of the machine or goes on from the work of another, not both.");
        if (await queries.FindEndedAsync(caller, wanted, ct) is { } found)
            return Kept(found);
        var live = await queries.TryFindAsync(caller.UserId, wanted, ct);
        throw live is null
            ? Refused(ProblemCode.NotFound, $"You have no session '{wanted}' that has ended. List them: `berth session list --ended`.")
            : Live(live.Name, live.Berth.Status);
    }

    /// <summary>Whether something was said of what to start; otherwise it is what the earlier session was.</summary>
    public static bool NamesSource(StartRequest request) => (request.LauncherId ?? request.EnvironmentId ?? request.Image) is not null;

    /// <summary>The spec with the code that the earlier session had.</summary>
    public static SessionSpec WithCodeOf(StoredSession from, SessionSpec spec, Caller caller) => spec with
    {
        // A folder of the machine is mounted again for whoever may name one; the clone of it is in the workspace anyhow.
        Repositories = [.. from.Spec.Repositories.Where(r => !r.IsLocal || caller.IsLocal).Concat(spec.Repositories).DistinctBy(r => r.Directory)],
    };

    /// <summary>Inside the transaction that adds the new session: its workspace is the earlier one's from now on.</summary>
    public async Task TakeAsync(StoredSession from, string id, string name, Caller caller, DbConnection connection)
    {
        if (!await store.HandOverAsync(from, id, name, caller.Username, connection))
            throw Refused(ProblemCode.Conflict, $"The work of session '{from.Facts.Name}' was taken or deleted just now. See `berth session show {from.Session.Id}`.");
    }

    private static StoredSession Kept(StoredSession from)
    {
        var (session, name) = (from.Session, from.Facts.Name);
        if (Lifecycle.IsLost(session))
            throw Refused(ProblemCode.Conflict, $"The machine of session '{name}' is lost, and its work with it: {Reason.NodeLost.NextStep(name)}");
        if (session.Status != SessionStatus.Ended)
            throw Live(name, session.Status.ToString().ToLowerInvariant());
        if (from.ContinuedBy is { } next)
            throw Refused(ProblemCode.Conflict, $"The work of session '{name}' went on in session {next} already: continue that one, once it has ended.");
        if (from.Spec.HostFolder is { } folder)
            throw Refused(ProblemCode.Conflict, $"Session '{name}' worked in the folder '{folder.Path}' of the server's machine, and its work is there: run `berth session start --here` in it.");
        if (!session.HasWorkspace || session.Wish == Wish.StopAndDelete)
            throw Refused(ProblemCode.Conflict, $"The work of session '{name}' is deleted: nothing is left to go on from.");
        if (session.Step != Step.Stopped)
            throw Refused(ProblemCode.Conflict, $"Session '{name}' is still being cleared away. Try again in a moment.");
        return from;
    }

    private static ProblemException Live(string name, string status) => Refused(
        ProblemCode.Conflict,
        status is "paused" or "failed"
            ? $"Session '{name}' is {status}, not ended: start it again with its work by `berth session resume {name}`."
            : $"Session '{name}' is {status}: only the work of a session that has ended can be gone on with. Stop it first: `berth session stop {name}`.");

    private static ProblemException Refused(ProblemCode code, string sentence) => new(code, sentence, "continue");
}
