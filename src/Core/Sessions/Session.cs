namespace Berth.Core.Sessions;

/// <summary>The state of a session, as decisions see it. Changed only by <see cref="Wish"/>.</summary>
public sealed record Session
{
    /// <summary>ULID.</summary>
    public required string Id { get; init; }

    /// <summary>1 for the first start, one more for each resume or restart.</summary>
    public required int Generation { get; init; }

    /// <summary>What is wanted.</summary>
    public required Wish Wish { get; init; }

    /// <summary>Where it stands.</summary>
    public required SessionStatus Status { get; init; }

    /// <summary>When it entered the status.</summary>
    public required DateTimeOffset StatusSince { get; init; }

    /// <summary>The intent.</summary>
    public Step Step { get; init; }

    /// <summary>What the start is doing; null unless launching.</summary>
    public Stage? Stage { get; init; }

    /// <summary>Such as "40 %".</summary>
    public string? StageDetail { get; init; }

    /// <summary>Why it stands where it stands; null while all is well.</summary>
    public Reason? Reason { get; init; }

    /// <summary>The particulars of the reason, in words.</summary>
    public string? Detail { get; init; }

    /// <summary>Of the front end, once it ended.</summary>
    public int? ExitCode { get; init; }

    /// <summary>When this generation was asked for. Ages count from here, never from the first start.</summary>
    public required DateTimeOffset GenerationSince { get; init; }

    /// <summary>When this generation left the queue; null while it waits. Starting time counts from here.</summary>
    public DateTimeOffset? StartingSince { get; init; }

    /// <summary>When it was last used.</summary>
    public required DateTimeOffset LastUsed { get; init; }

    /// <summary>What it is in use by, as last seen; none unless running.</summary>
    public Uses InUse { get; init; }

    /// <summary>The deadline that its owner was warned of, and before which none meets it; null while none is near.</summary>
    public DateTimeOffset? WarnedOf { get; init; }

    /// <summary>Until then no deadline meets it but that of a start and the maximum age.</summary>
    public DateTimeOffset? ExtendedUntil { get; init; }

    /// <summary>How long it may be what.</summary>
    public required Limits Limits { get; init; }

    /// <summary>Whether the workspace still exists.</summary>
    public bool HasWorkspace { get; init; } = true;

    /// <summary>Its place in line, kept once it has a machine, for it may have to come back; null: its pool has no line.</summary>
    public LinePlace? Line { get; init; }

    /// <summary>Name and generation, as providers know it.</summary>
    public SessionKey Key => new(Id, Generation);

    /// <summary>It ran when its machine was last heard of. What has become of it is not known.</summary>
    public bool IsAway => Status == SessionStatus.Running && Reason == Sessions.Reason.NodeAway;

    /// <summary>Neither ended nor failed nor paused: it holds or is about to hold compute.</summary>
    public bool IsLive => Status is SessionStatus.Launching or SessionStatus.Running or SessionStatus.Pausing or SessionStatus.Stopping;

    /// <summary>A session that has just been asked for.</summary>
    public static Session New(string id, Limits limits, DateTimeOffset now) => new()
    {
        Id = id,
        Generation = 1,
        Wish = Wish.Run,
        Status = SessionStatus.Launching,
        StatusSince = now,
        Stage = Sessions.Stage.Placing,
        GenerationSince = now,
        StartingSince = now,
        LastUsed = now,
        Limits = limits,
    };
}

/// <summary>Names one start of one session.</summary>
/// <param name="SessionId">ULID.</param>
/// <param name="Generation">Which start.</param>
public readonly record struct SessionKey(string SessionId, int Generation)
{
    /// <summary>What providers call it: derived, so that the same order twice is one session.</summary>
    public string ForeignName => $"berth-{SessionId.ToLowerInvariant()}-{Generation}";

    /// <summary>What providers call the workspace that the session made: the same in all generations.</summary>
    public string WorkspaceName => NameOfWorkspace(SessionId);

    /// <summary>What providers call a workspace that is named after a session.</summary>
    public static string NameOfWorkspace(string id) => $"berth-{id.ToLowerInvariant()}";

    /// <inheritdoc/>
    public override string ToString() => ForeignName;
}

/// <summary>How long a session may be what. Null or zero: without limit.</summary>
/// <param name="Idle">Running without use, until it is paused.</param>
/// <param name="Age">Running since the last resume, until it is paused.</param>
/// <param name="Starting">Launching outside the queue, until it fails.</param>
/// <param name="Failed">Failed, until it is stopped.</param>
/// <param name="Paused">Paused, until it is stopped.</param>
/// <param name="Retention">Ended, until the workspace is deleted.</param>
public sealed record Limits(
    TimeSpan? Idle, TimeSpan? Age, TimeSpan? Starting, TimeSpan? Failed, TimeSpan? Paused, TimeSpan? Retention)
{
    /// <summary>Cores; a session that uses at least this much is in use.</summary>
    public double IdleCpu { get; init; } = 0.1;

    /// <summary>How long before a deadline its owner is warned; null: as <see cref="Deadlines"/> says; zero: not at all.</summary>
    public TimeSpan? Warning { get; init; }

    /// <summary>24 h idle, 15 min starting, 7 days failed, 30 days paused, 14 days retention; no maximum age.</summary>
    public static Limits Default { get; } = new(
        TimeSpan.FromHours(24), null, TimeSpan.FromMinutes(15), TimeSpan.FromDays(7), TimeSpan.FromDays(30), TimeSpan.FromDays(14));
}
