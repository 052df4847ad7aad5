namespace Berth.Core.Queues;

/// <summary>
/// A machine's space for workspaces. What is in workspaces takes its part of it whether their sessions run, are paused or
/// have ended; what a session was promised beyond that it may write at any time.
/// </summary>
/// <param name="FreeBytes">Bytes that are free on the disk.</param>
/// <param name="WrittenBytes">Bytes in workspaces, as they were counted last.</param>
/// <param name="SaidBytes">How much it was told to offer; null: all that there is.</param>
public sealed record NodeDisk(long FreeBytes, long WrittenBytes, long? SaidBytes)
{
    // A machine may say anything, and sums must hold all the same.
    private const long Most = 1L << 56;

    /// <summary>What workspaces have, and could have.</summary>
    public long ThereBytes => Math.Clamp(FreeBytes, 0, Most) + Math.Clamp(WrittenBytes, 0, Most);

    /// <summary>How much of it they may have.</summary>
    public long OfferedBytes => Math.Min(SaidBytes ?? Most, ThereBytes);

    /// <summary>What a session may still write of what it was promised.</summary>
    public static long Unwritten(long promised, long written) => Math.Max(0, promised - Math.Max(0, written));
}
