using Berth.Core.Providers;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>
/// Looks at one provider instance for its loop: in bulk, one question at a time, whenever something may have changed and
/// once a minute in any case. What it sees comes back as signals. Called by the loop alone.
/// </summary>
public sealed class Observer(
    string name, ISessionProvider provider, ProviderHealth health, TimeProvider clock, ILogger log, Func<long> nextStamp, Action<Signal> tell)
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    // A provider whose news never end is asked that often.
    private static readonly TimeSpan AtMostEvery = TimeSpan.FromMilliseconds(100);

    private bool _asking;
    private bool _askAgain;
    private int _failures;
    private long? _begunAt;

    /// <summary>When it has to be asked next, though nothing was heard.</summary>
    public DateTimeOffset DueAt { get; private set; }

    /// <summary>Asks now, or in a moment, or once more after the question that is on its way: that one may have missed what just happened.</summary>
    public void Ask(CancellationToken ct)
    {
        DueAt = clock.GetUtcNow() + Every;
        if (_asking)
        {
            _askAgain = true;
            return;
        }

        if (_begunAt is { } last && AtMostEvery - clock.GetElapsedTime(last) is { Ticks: > 0 } soon)
        {
            DueAt = clock.GetUtcNow() + soon;
            return;
        }

        _asking = true;
        _begunAt = clock.GetTimestamp();
        var stamp = nextStamp();
        _ = Task.Run(() => ObserveAsync(stamp, ct), CancellationToken.None);
    }

    /// <summary>The question was answered.</summary>
    /// <returns>Whether the provider had been out of reach until now.</returns>
    public bool Answered(CancellationToken ct)
    {
        var wasAway = _failures > 0;
        if (wasAway)
            log.LogInformation("The provider {Name} can be reached again", name);
        _failures = 0;
        _asking = false;
        health.Reached(name);
        if (_askAgain)
        {
            _askAgain = false;
            Ask(ct);
        }

        return wasAway;
    }

    /// <summary>The question was not answered: nothing is known, and it is asked again after a pause.</summary>
    public void Unanswered(string why)
    {
        if (_failures++ == 0)
            log.LogWarning("The provider {Name} cannot be reached: {Why}", name, why);
        _asking = false;
        _askAgain = false;
        health.NotReached(name, why);
        DueAt = clock.GetUtcNow() + RetryDelay.After(_failures);
    }

    /// <summary>Listens for as long as the provider can push; each time that the stream is cut, it is asked once in full.</summary>
    public async Task WatchAsync(CancellationToken ct)
    {
        if (provider is not IChangeSource source)
            return;
        for (var failures = 1; !ct.IsCancellationRequested; failures++)
        {
            try
            {
                await foreach (var _ in source.WatchAsync(ct))
                {
                    failures = 0;
                    tell(new Signal.Changed());
                }
            }
            catch (Exception e) when (e is ProviderException or IOException or HttpRequestException)
            {
                log.LogDebug("The events of {Name} were cut: {Why}", name, e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(RetryDelay.After(failures), clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            tell(new Signal.Changed());
        }
    }

    private async Task ObserveAsync(long stamp, CancellationToken ct)
    {
        try
        {
            var all = new List<Observation>();
            await foreach (var observation in provider.ObserveAsync(ct))
                all.Add(observation);
            tell(new Signal.Observed(stamp, all));
        }
        catch (Exception e)
        {
            tell(new Signal.NotObserved(e.Message));
        }
    }
}
