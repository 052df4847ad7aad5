using System.Data.Common;
using System.Threading.Channels;
using Berth.Contracts.Agents;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Server.Storage;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>
/// Makes what is wanted so, for all sessions of one provider instance. One loop, one signal after the other; everything
/// that takes time (observing, acting) runs beside it and comes back as a signal.
/// </summary>
/// <remarks>
/// For each session that a signal is about: 1. read again what its owner may have changed; 2. decide, purely; 3. save,
/// the intent included, guarded by version and lease; 4. act. Nothing is asked of the provider for one session alone:
/// it is observed in bulk, when it says that something changed, and once a minute in any case.
/// </remarks>
public sealed class InstanceLoop
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly Channel<Signal> _signals = Channel.CreateUnbounded<Signal>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<string, Tracked> _sessions = [];
    private readonly string _name;
    private readonly Lease _lease;
    private readonly SessionStore _store;
    private readonly SessionActs _acts;
    private readonly Acting _acting;
    private readonly Func<SessionKey, AgentReport?> _lastReport;
    private readonly Observer _observer;
    private readonly DiskMeter _disk;
    private readonly Reaper _reaper;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Presence _presence;

    // Orders begins of observations and ends of acts. Only the loop counts.
    private long _stamp;

    public InstanceLoop(
        string name, ISessionProvider provider, Lease lease, SessionStore store, SessionActs acts, ProviderHealth health,
        Func<SessionKey, AgentReport?> lastReport, TimeProvider clock, ILogger log)
    {
        (_name, _lease, _store, _acts, _lastReport, _clock, _log) = (name, lease, store, acts, lastReport, clock, log);
        (_presence, _acting) = (new Presence(provider), new Acting(name, provider, acts, clock, log, Tell));
        (_reaper, _disk) = (new Reaper(provider, store, clock, log, Tell), new DiskMeter(name, provider, store, clock, log));
        _observer = new Observer(name, provider, health, clock, log, () => ++_stamp, Tell);
    }

    /// <summary>Tells the loop something; never waits.</summary>
    public void Tell(Signal signal) => _signals.Writer.TryWrite(signal);

    /// <summary>Runs until cancelled, or until the lease is lost.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        foreach (var stored in await _store.OpenSessionsAsync(_name, ct))
        {
            var tracked = _sessions[stored.Session.Id] = Track(stored);
            tracked.Pending.Add(s => s with { Session = Lifecycle.LookedAfterAgain(s.Session, _clock.GetUtcNow()) });
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var watch = Task.Run(() => _observer.WatchAsync(stop.Token), CancellationToken.None);
        try
        {
            _observer.Ask(stop.Token);
            await ConvergeAsync(_sessions.Values.ToList(), stop.Token);
            while (!ct.IsCancellationRequested)
            {
                var dirty = await NextAsync(stop.Token);
                await ConvergeAsync(dirty, stop.Token);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await watch;
        }
    }

    /// <summary>Waits for the next signals and yields the sessions that they are about.</summary>
    private async Task<List<Tracked>> NextAsync(CancellationToken ct)
    {
        var dirty = new HashSet<Tracked>();
        if (!_signals.Reader.TryPeek(out _))
            await WaitAsync(ct);
        while (_signals.Reader.TryRead(out var signal))
            await HandleAsync(signal, dirty, ct);

        var now = _clock.GetUtcNow();
        if (_observer.DueAt <= now)
            _observer.Ask(ct);
        if (DiskDueAt <= now)
            _disk.Begin(() => Tell(new Signal.Tick()), ct);
        dirty.UnionWith(_sessions.Values.Where(tracked => tracked.DueAt <= now));
        return [.. dirty];
    }

    private async Task WaitAsync(CancellationToken ct)
    {
        var due = _sessions.Values.Select(t => t.DueAt).Append(_observer.DueAt).Append(DiskDueAt).Min();
        var wait = due - _clock.GetUtcNow();
        if (wait <= TimeSpan.Zero)
            return;
        var ring = _clock.CreateTimer(_ => Tell(new Signal.Tick()), null, wait < LongestWait ? wait : LongestWait, Timeout.InfiniteTimeSpan);
        await using (ring)
            await _signals.Reader.WaitToReadAsync(ct);
    }

    private DateTimeOffset DiskDueAt => _sessions.Count == 0
        ? DateTimeOffset.MaxValue
        : _disk.DueAt(_sessions.Values.Any(t => t.Stored.Session.Status is SessionStatus.Launching or SessionStatus.Running));

    private async Task HandleAsync(Signal signal, HashSet<Tracked> dirty, CancellationToken ct)
    {
        switch (signal)
        {
            case Signal.Nudged(var id):
                await NudgedAsync(id, dirty, ct);
                break;
            case Signal.Reported(var id, var generation, var report) when _sessions.TryGetValue(id, out var tracked):
                tracked.Agent = (generation, report);
                dirty.Add(tracked);
                break;
            case Signal.Worked worked when _sessions.TryGetValue(worked.SessionId, out var tracked) && tracked.Stored.Session.Generation == worked.Generation:
                if (tracked.Used(UsesOf.Agent, worked.In(tracked.Stored.Session.Limits), worked.At))
                    dirty.Add(tracked);
                break;
            case Signal.Touched(var id, var input, var at) when _sessions.TryGetValue(id, out var tracked):
                if (tracked.Used(Uses.Input, input ? Uses.Input : Uses.None, at))
                    dirty.Add(tracked);
                break;
            case Signal.Progressed(var key, var report) when _sessions.TryGetValue(key.SessionId, out var tracked):
                if (tracked.Progressed(key, report, _clock.GetUtcNow()))
                    dirty.Add(tracked);
                break;
            case Signal.ActEnded(var act, var error) when _sessions.TryGetValue(act.Key.SessionId, out var tracked):
                ActEnded(tracked, act, error, ct);
                dirty.Add(tracked);
                break;
            case Signal.Changed:
                _observer.Ask(ct);
                break;
            case Signal.Observed(var stamp, var all):
                Observed(stamp, all, dirty, ct);
                break;
            case Signal.NotObserved(var why):
                _observer.Unanswered(why);
                if (_presence.NotObserved())
                    dirty.UnionWith(_sessions.Values);
                break;
            case Signal.Reaped(var key):
                _reaper.Removed(key);
                if (_reaper.IsIdle)
                    dirty.UnionWith(_sessions.Values.Where(t => t.Act is null && t.Stored.Session.Step == Step.StartIntended));
                break;
        }
    }

    private async Task NudgedAsync(string id, HashSet<Tracked> dirty, CancellationToken ct)
    {
        if (_sessions.TryGetValue(id, out var tracked))
        {
            tracked.Stale = true;
        }
        else
        {
            if (await _store.FindAsync(id, ct) is not { } stored || stored.Facts.Provider != _name)
                return;
            tracked = _sessions[id] = Track(stored);
        }

        tracked.Forgive(); // Whoever asks now wants it tried now.
        dirty.Add(tracked);
    }

    // What an agent said while nobody held the lease: it says nothing twice on one connection.
    private Tracked Track(StoredSession stored) => new(stored)
    {
        Agent = _lastReport(stored.Session.Key) is { } report ? (stored.Session.Generation, report) : null,
    };

    private void ActEnded(Tracked tracked, RunningAct act, Exception? error, CancellationToken ct)
    {
        tracked.ActStamp = ++_stamp;
        _acting.Ended(tracked, act, error);
        if (error is not null)
            return;
        if (act.Kind == Act.Start)
            _observer.Ask(ct); // Its address is still to be learnt.
        else
            _disk.Changed();
    }

    // Observing ---------------------------------------------------------------------------------------------------------

    private void Observed(long stamp, IReadOnlyList<Observation> all, HashSet<Tracked> dirty, CancellationToken ct)
    {
        if (_presence.Observed())
            dirty.UnionWith(_sessions.Values);
        if (_observer.Answered(ct))
            dirty.UnionWith(_sessions.Values.Where(t => t.Forgive()));

        var seen = all.ToLookup(o => o.Key.SessionId);
        foreach (var tracked in _sessions.Values)
        {
            if (tracked.Saw([.. seen[tracked.Stored.Session.Id]], stamp))
                dirty.Add(tracked);
        }

        foreach (var observation in all.Where(o => !IsWanted(o.Key)))
            _reaper.Remove(observation.Key, ct);
    }

    /// <summary>Whether a thing that runs is one that somebody wants, or one that an act on its way will see to.</summary>
    private bool IsWanted(SessionKey key) =>
        _sessions.TryGetValue(key.SessionId, out var tracked)
        && (tracked.Act is not null || (tracked.Stored.Session.Key == key && tracked.Stored.Session.Step != Step.Stopped));

    // Converging --------------------------------------------------------------------------------------------------------

    private async Task ConvergeAsync(List<Tracked> dirty, CancellationToken ct)
    {
        foreach (var tracked in dirty)
        {
            try
            {
                await ConvergeAsync(tracked, ct);
            }
            catch (Exception e) when (e is not (OperationCanceledException or LeaseLostException))
            {
                // What is pending stays pending.
                if (e is DbException database && database.Trouble() is { } trouble)
                    _log.LogWarning("Session {Id} could not be brought on, for the database is of no use now: {Trouble}", tracked.Stored.Session.Id, trouble);
                else
                    _log.LogError(e, "Session {Id} could not be brought on", tracked.Stored.Session.Id);
                tracked.Failed(_clock.GetUtcNow());
            }
        }
    }

    private async Task ConvergeAsync(Tracked tracked, CancellationToken ct)
    {
        while (true)
        {
            if (tracked.Stale)                                                                          // 1
            {
                tracked.Stale = false;
                if (await _store.FindAsync(tracked.Stored.Session.Id, ct) is { } fresh)
                    tracked.Stored = fresh;
                if (Leaves(tracked))
                    return;
            }

            var before = tracked.Stored;
            var changed = tracked.Pending.Aggregate(before, (s, change) => change(s));
            var now = _clock.GetUtcNow();
            var decision = Lifecycle.Decide(changed.Session, tracked.Sighting(_presence.Absence), now);  // 2
            var after = changed with { Session = decision.Session, Notices = tracked.Notices, Address = tracked.Address ?? changed.Address };
            if (after.Session.Step == Step.Waiting && before.Session.Step != Step.Waiting)
                after = after.WithoutMachine();
            if (after.Session != before.Session || after.Address != before.Address || !after.Notices.SequenceEqual(before.Notices))
            {
                if (await _store.SaveAsync(before, after, _lease, ct) is not { } saved)                  // 3
                {
                    tracked.Stale = true;
                    if (!await _lease.TakeAsync(force: false, ct))
                        throw new LeaseLostException(_name);
                    continue;
                }

                tracked.Stored = saved;
                if (saved.Session.WarnedOf is not null && before.Session.WarnedOf is null)
                    _acts.Warn(saved, now);
            }

            tracked.Pending.Clear();
            if (decision.Session == changed.Session)
                tracked.Settled(now); // Otherwise what it has become may have something due, too.
            if (decision.Act != Act.Start || MayStart(tracked))
                _acting.Begin(tracked, decision.Act, ct);                                                // 4
            Leaves(tracked);
            return;
        }
    }

    /// <summary>Whether its gpus are nobody else's there, of whom not all may have been removed.</summary>
    private bool MayStart(Tracked tracked) => tracked.Stored.Spec.Resources.Gpu.Ids.Count == 0 || _presence.IsSettled(_reaper);

    /// <summary>A session that is over, or that another loop looks after, since it was given a machine or gave one back, is no concern of this one.</summary>
    private bool Leaves(Tracked tracked) => tracked.Act is null
        && (tracked.Stored.Facts.Provider != _name || tracked.Stored.Session is { Status: SessionStatus.Ended, HasWorkspace: false })
        && _sessions.Remove(tracked.Stored.Session.Id);
}
