namespace Berth.Tunnel.Resumable;

/// <summary>Times and sizes of resumable streams; both ends have their own.</summary>
public sealed record ResumableOptions
{
    /// <summary>
    /// Bytes that the peer may have on their way to this side's reader: what each side holds at most for a stream. Four MiB
    /// fill a line of 200 MB/s at 20 ms.
    /// </summary>
    public int Window { get; init; } = 4 * 1024 * 1024;

    /// <summary>How long a stream waits for its next carrier.</summary>
    public TimeSpan Hold { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long it waits where the other side closed the last one, alive: a client that was killed, most likely, or what is
    /// between was started again, and the client comes back at once. Null: as long as for others.
    /// </summary>
    public TimeSpan? HoldOfClosed { get; init; }

    /// <summary>How often a carrier is looked at: two silent pulses and it is asked, five and it is dead.</summary>
    public TimeSpan Pulse { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long both sides' first words may take.</summary>
    public TimeSpan HandshakeWithin { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The longest pause between two attempts to connect again; the first is 100 ms.</summary>
    public TimeSpan LastRetry { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Streams that one <see cref="ResumableHost"/> holds, those without a carrier among them.</summary>
    public int MaximumStreams { get; init; } = 256;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Told when a client's stream has lost its carrier.</summary>
    public Action? Lost { get; init; }

    /// <summary>Told when it goes on, and after how long.</summary>
    public Action<TimeSpan>? Back { get; init; }
}
