using Berth.Contracts.Problems;
using Berth.Core.Queues;
using Berth.Core.Sessions;
using Berth.Server.Nodes;
using Berth.Server.Problems;

namespace Berth.Server.Queues;

/// <summary>A session that is about to stand in line.</summary>
/// <param name="UserId">Whose.</param>
/// <param name="Pool">Name of its pool; null: it is resumed.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Resources">What it needs.</param>
/// <param name="Limits">How long it may run.</param>
/// <param name="On">The provider instance that has its work, and on which alone it can run; null: any.</param>
/// <param name="Not">The provider instance of a machine that is lost, instead of which there has to be another one; null: none is.</param>
public sealed record Comer(string UserId, string? Pool, string Queue, SessionResources Resources, Limits Limits, string? On, string? Not = null);

/// <summary>
/// Who may stand in line: all but those that could never be given a machine, as these are offered now, the ones that are
/// away included. Where no machine of the queue has joined yet, or one has not said what it has, or cannot tell its gpus, a session waits. So it does where space
/// on disks is short: that can change without anybody's doing.
/// </summary>
public sealed class LineEntry(NodeDirectory nodes, TimeProvider clock)
{
    /// <exception cref="ProblemException">It can never start as things are: why, and what to do.</exception>
    public void Require(Comer comer)
    {
        ArgumentNullException.ThrowIfNull(comer);
        if (comer.Resources.Gpu is { Count: < 0 } || (comer.Resources.Gpu.Ids.Count > 0 && comer.On is null))
            throw new ProblemException(ProblemCode.Invalid, $"In the pool '{comer.Pool}', say how many gpus: its machines have gpus of their own, and which ones a session gets is decided there.", "gpu");
        var own = comer.On is null ? null : nodes.OfInstance(comer.On)
            ?? throw new ProblemException(ProblemCode.NoCapacity, "The machine that has this session's work was removed: start a new one.");
        var loads = nodes.All.Where(n => own is null ? n.Row.Serves(comer.UserId, comer.Queue) && n.Row.Instance != comer.Not : n == own).Select(n => new NodeLoad(n, [])).ToList();
        if (comer.Not is not null && loads.Count == 0)
            throw new ProblemException(ProblemCode.NoCapacity, $"The pool '{comer.Pool}' has no other machine in the queue '{comer.Queue}'. The session goes on by itself when its machine is back, or choose another queue or pool: `berth queue list`, `berth pool list`.");
        if (loads.Exists(l => l.Offered is null || (comer.Resources.Gpu.Wanted && l.Facts is { GpusUnknown: true })))
            return;
        var now = clock.GetUtcNow();
        var session = new WaitingSession("", comer.UserId, own is null ? comer.Queue : own.Row.OfferOf.Queues[0], 0, now, NodeLoad.DemandOf(comer.Resources))
        {
            Longest = comer.Limits.Age is { } age && age > TimeSpan.Zero ? age : null,
        };
        var plan = Scheduler.Decide(new Round(now, [session], [.. loads.Select(l => l.ForPlacement()).OfType<Node>()]));
        if (plan.Waits is not [{ Reason: { Never: true } and not NoMachine and var why }])
            return;
        var sentence = why.Sentence(now, TimeZoneInfo.Utc);
        throw new ProblemException(ProblemCode.NoCapacity, own is null
            ? $"No machine of the pool '{comer.Pool}' can ever take the session: {sentence}. Ask for less, or choose another queue or pool: `berth queue list`, `berth pool list`."
            : $"{own.Row.Name}, which has the session's work, can never take it: {sentence}. Resume it with less: `berth session resume … --class …`.");
    }
}
