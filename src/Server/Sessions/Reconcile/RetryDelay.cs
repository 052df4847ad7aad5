namespace Berth.Server.Sessions.Reconcile;

/// <summary>
/// How long one of the server's loops waits before it tries again what failed: twice as long each time, up to 30 s, with jitter.
/// The loop counts its failures.
/// </summary>
public static class RetryDelay
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>The pause after so many failures in a row.</summary>
    public static TimeSpan After(int failures)
    {
        var seconds = Math.Min(Longest.TotalSeconds, 0.25 * Math.Pow(2, Math.Min(failures, 10)));
        return TimeSpan.FromSeconds(seconds * (0.75 + (Random.Shared.NextDouble() / 2)));
    }
}
