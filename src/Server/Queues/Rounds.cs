using System.Data.Common;
using Berth.Contracts.Sessions;
using Berth.Core;
using Berth.Core.Queues;
using Berth.Core.Sessions;
using Berth.Server.Live;
using Berth.Server.Nodes;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Server.Queues;

/// <summary>
/// Decides who of all that wait is given which machine, whenever something happened that may change it: a session came, left
/// the line or gave back its machine; a machine joined, came, went, or is other than before; a time of which the last round
/// said so is there. Nothing is asked at intervals.
/// </summary>
/// <remarks>
/// 1. read, in bulk; 2. decide, purely; 3. save each placement, guarded by the row's version and the lease, so that nobody
/// is placed twice and two rounds never give the same room; 4. tell the loop of the machine, which starts it.
/// A server that dies in between leaves placements that are saved, and a line that the next round reads again.
/// </remarks>
public sealed class Rounds : IDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly Wakeup _asked = new();
    private readonly RoundReader _reader;
    private readonly SessionStore _store;
    private readonly NodeDirectory _nodes;
    private readonly LineBoard _board;
    private readonly ChangeFeed _changes;
    private readonly Nudges _nudges;
    private readonly TimeProvider _clock;
    private readonly ILogger<Rounds> _log;

    public Rounds(
        RoundReader reader, SessionStore store, NodeDirectory nodes, LineBoard board, ChangeFeed changes, Nudges nudges, TimeProvider clock, ILogger<Rounds> log)
    {
        (_reader, _store, _nodes, _board, _changes, _nudges, _clock, _log) = (reader, store, nodes, board, changes, nudges, clock, log);
        store.Published += OnSession;
        store.Measured += OnMeasured;
        nodes.Changed += Ask;
    }

    /// <summary>Asks for a round; never waits.</summary>
    public void Ask() => _asked.Set();

    public void Dispose()
    {
        _store.Published -= OnSession;
        _store.Measured -= OnMeasured;
        _nodes.Changed -= Ask;
    }

    /// <summary>Runs for as long as the lease is held.</summary>
    public async Task RunAsync(Lease lease, CancellationToken ct)
    {
        for (var failures = 0; ;)
        {
            DateTimeOffset? again;
            try
            {
                again = await DecideAsync(lease, ct);
                failures = 0;
            }
            catch (DbException e)
            {
                if (failures++ == 0)
                    _log.LogWarning("Who waits could not be looked at: {Why}", e.Message);
                again = _clock.GetUtcNow() + RetryDelay.After(failures);
            }

            await WaitAsync(again, ct);
        }
    }

    private async Task WaitAsync(DateTimeOffset? until, CancellationToken ct)
    {
        var wait = until is { } at ? at - _clock.GetUtcNow() : Timeout.InfiniteTimeSpan;
        if (until is not null && wait <= TimeSpan.Zero)
            return;
        await using var ring = _clock.CreateTimer(_ => Ask(), null, wait > LongestWait ? LongestWait : wait, Timeout.InfiniteTimeSpan);
        await _asked.WaitAsync(ct);
    }

    /// <returns>When time alone may change the decision.</returns>
    private async Task<DateTimeOffset?> DecideAsync(Lease lease, CancellationToken ct)
    {
        if (await _reader.ReadAsync(ct) is not { } read)                                                 // 1
            read = new RoundOfLine(new Round(_clock.GetUtcNow(), [], []), new Dictionary<string, StoredSession>());
        var plan = Scheduler.Decide(read.Round);                                                         // 2
        foreach (var placement in plan.Placements)
            await PlaceAsync(read.Sessions[placement.SessionId], placement, lease, ct);                  // 3, 4
        foreach (var (session, user) in _board.Take(read, plan, plan.Placements.Select(p => p.SessionId).ToHashSet()))
            _changes.Publish(new Change("session", session), user);
        return plan.LookAgainAt;
    }

    private async Task PlaceAsync(StoredSession before, Placement placement, Lease lease, CancellationToken ct)
    {
        if (!_nodes.TryGet(placement.NodeId, out var node))
            return; // Its removal asks for another round.
        var now = _clock.GetUtcNow();
        var resources = before.Spec.Resources with { Gpu = placement.GpuIds.Count > 0 ? new GpuRequest(0, placement.GpuIds) : GpuRequest.None };
        var after = before with
        {
            Session = Lifecycle.Placed(before.Session, now),
            Spec = before.Spec with { Resources = resources },
            Facts = before.Facts with { Provider = node.Row.Instance },
            Address = null,
        };
        var waited = TimeSpan.FromSeconds(Math.Floor((now - before.Session.GenerationSince).TotalSeconds));
        var closes = placement.ClosesAt is { } at ? $" {node.Row.Name} closes at {at.UtcDateTime:yyyy-MM-dd HH:mm} UTC." : "";
        var inLine = waited > TimeSpan.Zero ? $", after {Deadline.Words(waited)} in line" : "";
        var sentence = $"Given the machine {node.Row.Name}{inLine}.{closes}";
        if (await _store.PlaceAsync(before, after, lease, placement, new NewEvent("placed", sentence, now), ct) is null)
        {
            if (!await lease.TakeAsync(force: false, ct))
                throw new LeaseLostException(ProviderNames.Line);
            // Its owner wanted something else meanwhile, or the machine is not as it is known here: without a look, the next
            // round would decide the same.
            await _nodes.ReadAsync(ct);
            Ask();
            return;
        }

        _nudges.Nudge(node.Row.Instance, before.Session.Id);
        if (before.Facts.Provider != node.Row.Instance)
            _nudges.Nudge(before.Facts.Provider, before.Session.Id);
    }

    // What is written of a workspace need not be free for its session any more.
    private void OnMeasured(string instance)
    {
        if (ProviderNames.IsNode(instance))
            Ask();
    }

    private void OnSession(StoredSession stored)
    {
        if ((stored.Facts.Provider == ProviderNames.Line || ProviderNames.IsNode(stored.Facts.Provider))
            && (stored.Session.Step is Step.Waiting or Step.Stopped || stored.Session.Status is SessionStatus.Paused or SessionStatus.Ended))
            Ask();
    }
}
