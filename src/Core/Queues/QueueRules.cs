namespace Berth.Core.Queues;

/// <summary>
/// What counts for how much when sessions wait: all preferences are head starts in time, so that none lasts for ever.
/// Why, and the proof: docs/decisions, "Waiting in line".
/// </summary>
public sealed record QueueRules
{
    /// <summary>Higher and lower (negative) priorities than this count as this.</summary>
    public const int HighestPriority = 10;

    /// <summary>One step of priority goes before those that came this much earlier.</summary>
    public TimeSpan PriorityStep { get; init; } = TimeSpan.FromHours(8);

    /// <summary>Each earlier session of the same owner in the same queue, waiting or with a machine, counts as having come this much later.</summary>
    public TimeSpan OwnSessionStep { get; init; } = TimeSpan.FromHours(1);

    /// <summary>On a machine, a queue goes before those of the next queue of its list that came this much earlier.</summary>
    public TimeSpan QueueStep { get; init; } = TimeSpan.FromHours(24);

    /// <summary>After this wait the first of a queue has a machine kept for it: nobody behind it delays it any more.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>A machine whose uptime window ends within this is taken last by sessions of unknown length.</summary>
    public TimeSpan ClosesSoon { get; init; } = TimeSpan.FromHours(1);

    /// <summary>By which queues are told apart: names that differ in case alone are one queue's.</summary>
    internal static string Key(string queue) => queue.ToUpperInvariant();
}
