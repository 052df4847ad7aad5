namespace Berth.Core.Queues;

/// <summary>A machine that joined, as a round of placement sees it.</summary>
public sealed record Node
{
    /// <summary>ULID.</summary>
    public required string Id { get; init; }

    /// <summary>As people call it.</summary>
    public required string Name { get; init; }

    /// <summary>Id of the user whom alone it serves; null: it serves everybody who may use its queues.</summary>
    public string? Owner { get; init; }

    /// <summary>The queues that it serves, the most important first.</summary>
    public required IReadOnlyList<string> Queues { get; init; }

    /// <summary>It takes from its queues in turn (<c>--fair</c>), not by their order.</summary>
    public bool Fair { get; init; }

    /// <summary>The queue that it took from last; only a fair node needs it. Null: none yet.</summary>
    public string? LastQueue { get; init; }

    /// <summary>Cores offered.</summary>
    public required double Cpu { get; init; }

    /// <summary>Memory offered, bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Space offered for workspaces, bytes.</summary>
    public required long DiskBytes { get; init; }

    /// <summary>Bytes of it that workspaces take, those of sessions that do not run included (<see cref="NodeDisk"/>).</summary>
    public long DiskWrittenBytes { get; init; }

    /// <summary>The gpus offered, in the order in which they are given out.</summary>
    public IReadOnlyList<string> GpuIds { get; init; } = [];

    /// <summary>Those that may not be given out: seen in use by somebody outside Berth, or not seen at all (<see cref="GpuReport.NotFree"/>).</summary>
    public IReadOnlySet<string> GpusUsedOutside { get; init; } = new HashSet<string>();

    /// <summary>It finishes what runs and takes nothing new.</summary>
    public bool Draining { get; init; }

    /// <summary>When it may be used; null: always.</summary>
    public UptimeWindow? Uptime { get; init; }

    /// <summary>What is wrong with it, in a sentence, for which it takes nothing now; null: nothing.</summary>
    public string? Problem { get; init; }

    /// <summary>Until when nothing is given to it, for it took nothing of what it was given last; null: it is not so.</summary>
    public DateTimeOffset? RestsUntil { get; init; }

    /// <summary>Since when nothing is heard of it; null: it is connected.</summary>
    public DateTimeOffset? LostSince { get; init; }

    /// <summary>What has been placed on it and is not known to be gone, also while it is lost.</summary>
    public IReadOnlyList<PlacedSession> Sessions { get; init; } = [];
}
