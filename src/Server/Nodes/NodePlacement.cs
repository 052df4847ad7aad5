using System.Data.Common;
using Berth.Contracts.Problems;
using Berth.Core.Queues;
using Berth.Core.Sessions;
using Berth.Server.Problems;

namespace Berth.Server.Nodes;

/// <summary>A session that needs a machine.</summary>
/// <param name="SessionId">Which.</param>
/// <param name="UserId">Whose.</param>
/// <param name="Pool">Name of its pool.</param>
/// <param name="Queue">The queue that it stands in.</param>
/// <param name="Resources">What it needs.</param>
/// <param name="On">The provider instance that has its work, and on which alone it can run; null: any.</param>
public sealed record NeedsNode(string SessionId, string UserId, string Pool, string Queue, SessionResources Resources, string? On = null);

/// <summary>The machine that a session was given.</summary>
/// <param name="Instance">Provider instance.</param>
/// <param name="Resources">As asked for, with the gpus that are its own.</param>
public sealed record GivenNode(string Instance, SessionResources Resources);

/// <summary>
/// Gives sessions machines, by the decision of <see cref="Scheduler"/>. It is asked inside the transaction that adds or
/// resumes a session, so that no two are given the same room. As long as sessions do not wait in line, a round is about one
/// session, and who gets no machine is refused.
/// </summary>
public sealed class NodePlacement(NodeDirectory nodes, TimeProvider clock)
{
    /// <summary>Gives a session the machine that it fits best.</summary>
    /// <exception cref="ProblemException">None can take it now: why.</exception>
    public async Task<GivenNode> PlaceAsync(DbConnection connection, NeedsNode wanted)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        if (wanted.Resources.Gpu is { Count: < 0 } || (wanted.Resources.Gpu.Ids.Count > 0 && wanted.On is null))
            throw new ProblemException(ProblemCode.Invalid, $"In the pool '{wanted.Pool}', say how many gpus: its machines have gpus of their own, and which ones a session gets is decided there.", "gpu");
        var sessions = await NodeLoad.SessionsAsync(connection);
        var loads = nodes.All.Where(n => wanted.On is null || n.Row.Instance == wanted.On)
            .Select(n => (Node: n, Load: new NodeLoad(n, [.. sessions[n.Row.Instance].Where(s => s.Id != wanted.SessionId)]))).ToList();
        if (wanted.On is not null && loads.Count == 0)
            throw new ProblemException(ProblemCode.NoCapacity, "The machine that has this session's work was removed: start a new one.");

        var demand = NodeLoad.DemandOf(wanted.Resources);
        var now = clock.GetUtcNow();
        // Its work ties it to its machine, whichever queue it stood in.
        var queue = wanted.On is null ? wanted.Queue : loads[0].Load.Offer.Queues[0];
        var round = new Round(
            now,
            [new WaitingSession(wanted.SessionId, wanted.UserId, queue, 0, now, demand)],
            [.. loads.Select(l => l.Load.ForPlacement()).OfType<Node>()]);
        var plan = Scheduler.Decide(round);
        if (plan.Placements is not [var placed])
            throw Refused(wanted, plan, loads, now);
        var gpu = demand.Gpus > 0 ? new GpuRequest(0, placed.GpuIds) : GpuRequest.None;
        return new GivenNode(NodeRow.InstancePrefix + placed.NodeId, wanted.Resources with { Gpu = gpu });
    }

    private static ProblemException Refused(NeedsNode wanted, Plan plan, List<(NodeEntry Node, NodeLoad Load)> loads, DateTimeOffset now)
    {
        var unwell = loads.Find(l => l.Load.Facts?.Problem is not null && (l.Node.Row.OwnerId is null || l.Node.Row.OwnerId == wanted.UserId));
        var why = plan.Waits is [{ Reason: NoMachine }] && unwell.Node is not null
            ? $"{unwell.Node.Row.Name} is unwell. {unwell.Load.Facts!.Problem}"
            : $"{plan.Waits[0].Reason.Sentence(now, TimeZoneInfo.Utc)}.";
        var what = wanted.On is null ? $"No machine of the pool '{wanted.Pool}' can take the session" : $"{loads[0].Node.Row.Name}, which has the session's work, cannot take it";
        var next = plan.Waits[0].Reason.Never ? "Ask for less, or choose another pool: `berth pool list`." : "Try again later, ask for less, or choose another pool: `berth pool list`.";
        return new ProblemException(ProblemCode.NoCapacity, $"{what}: {why} {next}");
    }
}
