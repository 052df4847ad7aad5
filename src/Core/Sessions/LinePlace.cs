namespace Berth.Core.Sessions;

/// <summary>Where a session stands in line for a machine. It came when its present start was asked for.</summary>
/// <param name="Queue">The queue that it stands in.</param>
/// <param name="Priority">0 is ordinary, more is sooner.</param>
public sealed record LinePlace(string Queue, int Priority)
{
    /// <summary>Its work was on its machine before this start: it can start nowhere else.</summary>
    public bool Tied { get; init; }

    /// <summary>The machines that did not take this start, one entry each.</summary>
    public IReadOnlyList<Refusal> Refusals { get; init; } = [];

    /// <summary>The place after a machine did not take it.</summary>
    public LinePlace RefusedBy(string instance, string words, DateTimeOffset now) => this with
    {
        Refusals =
        [
            .. Refusals.Where(r => r.Instance != instance),
            new Refusal(instance, 1 + (Refusals.FirstOrDefault(r => r.Instance == instance)?.Times ?? 0), words, now),
        ],
    };
}

/// <summary>A machine did not take a start.</summary>
/// <param name="Instance">Its provider instance.</param>
/// <param name="Times">How often, this start of the session.</param>
/// <param name="Words">Why, the last time, in a sentence.</param>
/// <param name="At">When, the last time.</param>
public sealed record Refusal(string Instance, int Times, string Words, DateTimeOffset At)
{
    /// <summary>A machine is not asked more often than this for one start.</summary>
    public const int MostTimes = 3;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1);

    /// <summary>When the machine may be asked again; null: not for this start.</summary>
    public DateTimeOffset? AgainAt => Times >= MostTimes ? null : At + FirstPause * Math.Pow(5, Times - 1);
}
