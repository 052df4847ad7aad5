namespace Berth.Tunnel;

/// <summary>
/// Pauses between attempts: each twice as long as the one before, up to a longest, and each of a random half more or less,
/// so that those who lost a server at the same moment do not come back to it at the same moment.
/// </summary>
public sealed class Backoff(TimeSpan first, TimeSpan longest, TimeProvider time)
{
    private TimeSpan? _last;

    /// <summary>An attempt was a success: the next pause is the first again.</summary>
    public void Reset() => _last = null;

    /// <summary>Waits. A cancellation ends it, too, and is no exception.</summary>
    public async Task PauseAsync(CancellationToken ct)
    {
        _last = _last is { } last ? TimeSpan.FromTicks(Math.Min(last.Ticks * 2, longest.Ticks)) : first;
        await Task.Delay(_last.Value * (0.5 + Random.Shared.NextDouble()), time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
