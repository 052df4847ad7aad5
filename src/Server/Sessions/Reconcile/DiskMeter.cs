using Berth.Core.Providers;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>
/// Counts the bytes of one provider instance's workspaces for its loop: all at once, beside it, seldom. Engines go through
/// every file for it, so the longer it takes, the longer it rests: it is at work a twentieth of the time at most. What is
/// shown is the last count, with its time. Called by the loop alone.
/// </summary>
public sealed class DiskMeter(string name, ISessionProvider provider, SessionStore store, TimeProvider clock, ILogger log)
{
    private const int RestsPerCount = 20;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan AtLeast = TimeSpan.FromMinutes(1);

    private readonly IWorkspaceSizes? _sizes = provider as IWorkspaceSizes;

    // Written by the count's own task, read by the loop.
    private volatile bool _counting;
    private long _restsUntil = (clock.GetUtcNow() + AtLeast).Ticks;
    private bool _changed = true;
    private long _countedAt;

    /// <summary>When to begin the next one; never while one runs, or where nothing can have changed.</summary>
    public DateTimeOffset DueAt(bool anyRuns)
    {
        if (_sizes is null || _counting || !(anyRuns || _changed))
            return DateTimeOffset.MaxValue;
        var rested = Volatile.Read(ref _restsUntil);
        var due = _changed ? rested : Math.Max(rested, Volatile.Read(ref _countedAt) + Every.Ticks);
        return new DateTimeOffset(due, TimeSpan.Zero);
    }

    /// <summary>A session was paused or stopped: what it holds will not change for a while, so it is worth a look.</summary>
    public void Changed() => _changed = true;

    /// <summary>Begins a count; returns at once.</summary>
    /// <param name="then">Told when it has ended.</param>
    /// <param name="ct">Stops it.</param>
    public void Begin(Action then, CancellationToken ct)
    {
        _counting = true;
        _changed = false;
        _ = Task.Run(
            async () =>
            {
                await CountAsync(ct);
                _counting = false;
                then();
            },
            CancellationToken.None);
    }

    private async Task CountAsync(CancellationToken ct)
    {
        var begun = clock.GetTimestamp();
        try
        {
            var at = clock.GetUtcNow();
            await store.SaveSizesAsync(name, await _sizes!.MeasureAsync(ct), at, ct);
        }
        catch (Exception e)
        {
            if (!ct.IsCancellationRequested)
                log.LogWarning("The workspaces of {Name} could not be measured: {Why}", name, e.Message);
        }

        var now = clock.GetUtcNow();
        var rest = clock.GetElapsedTime(begun) * RestsPerCount;
        Volatile.Write(ref _countedAt, now.Ticks);
        Volatile.Write(ref _restsUntil, (now + (rest > AtLeast ? rest : AtLeast)).Ticks);
    }
}
