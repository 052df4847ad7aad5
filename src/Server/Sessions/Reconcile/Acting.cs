using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>
/// The acts of one loop: begins them beside it, one at a time for a session, and takes in how they ended. Called by the loop
/// alone; the end of an act comes back to it as a signal.
/// </summary>
internal sealed class Acting(string name, ISessionProvider provider, SessionActs acts, TimeProvider clock, ILogger log, Action<Signal> tell)
{
    /// <summary>Begins an act, where none is on its way; one that is not wanted any more is given up first.</summary>
    public void Begin(Tracked tracked, Act act, CancellationToken ct)
    {
        if (act == Act.None)
            return;
        if (tracked.Act is { } running)
        {
            if (running.Kind != act || running.Key != tracked.Stored.Session.Key)
                running.Cancel.Cancel(); // Its end brings the session back here.
            return;
        }

        if (tracked.RetryAt > clock.GetUtcNow())
            return;
        var begun = new RunningAct(act, tracked.Stored.Session.Key, CancellationTokenSource.CreateLinkedTokenSource(ct));
        tracked.Act = begun;
        var stored = tracked.Stored;
        var progress = new Progress(tell, begun.Key);
        _ = Task.Run(
            async () =>
            {
                Exception? error = null;
                try
                {
                    await acts.PerformAsync(provider, begun, stored, progress);
                }
                catch (Exception e)
                {
                    error = e;
                }

                tell(new Signal.ActEnded(begun, error));
            },
            CancellationToken.None);
    }

    /// <summary>Takes in how an act ended.</summary>
    public void Ended(Tracked tracked, RunningAct act, Exception? error)
    {
        if (tracked.Act == act)
            tracked.Act = null;
        act.Cancel.Dispose();
        var now = clock.GetUtcNow();
        if (error is null)
        {
            tracked.Forgive();
            tracked.Pending.Add(s => Done(s, act, now));
            return;
        }

        var nothingBegun = error is ProviderException { NothingBegun: true } && tracked.MayHaveBegun != act.Key.Generation;
        if (act.Kind == Act.Start && !nothingBegun)
            tracked.MayHaveBegun = act.Key.Generation;
        if (error is OperationCanceledException)
            return; // Something else is wanted by now; the next decision says what.
        var (reason, words) = error is ProviderException known ? (known.Reason, known.Message) : (Reason.Refused, error.Message);
        if (error is not ProviderException)
            log.LogError(error, "{Act} of {Key} failed in a way that its provider does not explain", act.Kind, act.Key);
        tracked.Failed(now);
        if (act.Kind == Act.Start)
            StartRefused(tracked, act.Key, reason, words, nothingBegun, now);
        else
            log.LogWarning("{Act} of {Key} failed: {Words} Next try at {Retry}", act.Kind, act.Key, words, tracked.RetryAt);
    }

    // Another machine may take it where that is this one's fault, or where this one certainly has nothing of it.
    private void StartRefused(Tracked tracked, SessionKey key, Reason reason, string words, bool nothingBegun, DateTimeOffset now)
    {
        if (tracked.Stored.Session.Line is null || !(reason.Rule().Elsewhere || nothingBegun))
        {
            tracked.Pending.Add(s => s.Session.Key == key ? s with { Session = Lifecycle.Refused(s.Session, reason, words, now) } : s);
            return;
        }

        log.LogInformation("{Name} did not take {Key}: {Words}", name, key, words);
        tracked.Forgive();
        tracked.Pending.Add(s => s.Session.Key == key ? s with { Session = Lifecycle.TurnedAway(s.Session, name, reason, words, nothingBegun, now) } : s);
    }

    private static StoredSession Done(StoredSession stored, RunningAct act, DateTimeOffset now)
    {
        if (stored.Session.Key != act.Key)
            return stored;
        return act.Kind == Act.Start
            ? stored with { Session = Lifecycle.Accepted(stored.Session) }
            : stored with { Session = Lifecycle.Released(stored.Session, act.Kind == Act.StopAndDelete, now), Address = null };
    }

    private sealed class Progress(Action<Signal> tell, SessionKey key) : IProgress<StageReport>
    {
        public void Report(StageReport value) => tell(new Signal.Progressed(key, value));
    }
}
