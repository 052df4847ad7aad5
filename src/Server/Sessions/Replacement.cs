using System.Data.Common;
using System.Globalization;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;

namespace Berth.Server.Sessions;

/// <summary>
/// Starts instead of a session whose machine is lost. In the transaction that adds the new session the lost one ends, so that
/// where the start is refused it still comes back with its machine.
/// </summary>
public sealed class Replacement(SessionQueries queries, SessionStore store, TimeProvider clock)
{
    /// <summary>The session that is given up.</summary>
    /// <exception cref="ProblemException">There is none of the caller's, or its machine is not lost.</exception>
    public async Task<StoredSession> RequireAsync(Caller caller, StartRequest request, CancellationToken ct)
    {
        var lost = await queries.RequireAsync(caller, request.InsteadOf!, ct);
        var (name, status) = (lost.Facts.Name, lost.Session.Status);
        if (Lifecycle.IsLost(lost.Session))
            return lost;
        throw Refused(status == SessionStatus.Ended
            ? $"Session '{name}' has ended. Start again what it was, with its work: `berth session start --continue {lost.Session.Id}`."
            : $"Session '{name}' is {status.ToString().ToLowerInvariant()}, and its machine is not lost: only one that failed with the reason node_lost is started elsewhere.");
    }

    /// <summary>Inside the transaction that adds the new session: the lost one is over.</summary>
    /// <returns>It as it is now; publish it after the commit.</returns>
    public async Task<StoredSession> GiveUpAsync(StoredSession lost, string byId, Caller caller, DbConnection connection)
    {
        var now = clock.GetUtcNow();
        var happened = new NewEvent("work", $"Its machine is lost: it was started elsewhere, as session {byId}. Its work stays where it is.", now);
        return await store.SaveAsync(lost, lost with { Session = Lifecycle.GivenUp(lost.Session, now) }, caller.Username, connection, happened)
            ?? throw Refused($"Session '{lost.Facts.Name}' changed just now: its machine may be back. See `berth session show {lost.Facts.Name}`.");
    }

    /// <summary>The request with the amounts that the lost session had, where it says nothing else and no other class.</summary>
    public static StartRequest AsItWas(StartRequest request, StoredSession lost)
    {
        if ((request.ResourceClassId ?? (object?)request.PoolName) is not null || Continuation.NamesSource(request))
            return request;
        var had = lost.Spec.Resources;
        return request with
        {
            Cpu = request.Cpu ?? had.Cpu,
            MemoryGb = request.MemoryGb ?? (double)had.MemoryBytes / ClassChooser.Gigabyte,
            DiskGb = request.DiskGb ?? (int)(had.DiskBytes / ClassChooser.Gigabyte),
            // Which gpus they were is that machine's.
            Gpu = request.Gpu ?? Math.Max(had.Gpu.Count, had.Gpu.Ids.Count).ToString(CultureInfo.InvariantCulture),
        };
    }

    /// <summary>The request with the queue and the priority that the lost session had, where it says nothing else and the pool has that queue.</summary>
    public static StartRequest InItsPlace(StartRequest request, StoredSession lost, ChosenClass chosen) =>
        lost.Session.Line is not { } line || lost.Facts.PoolId != chosen.Row.PoolId ? request
            : request with { Queue = request.Queue ?? (chosen.Row.HasQueue(line.Queue) ? line.Queue : null), Priority = request.Priority ?? line.Priority };

    private static ProblemException Refused(string sentence) => new(ProblemCode.Conflict, sentence, "instead_of");
}
