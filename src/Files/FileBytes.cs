using Berth.Files.Disk;
using Berth.Files.Wire;

namespace Berth.Files;

/// <summary>Sends what is in files; where they have holes, these.</summary>
/// <param name="frames">To the receiver.</param>
/// <param name="report">Told how far it is.</param>
/// <param name="between">Called before each frame: may send others, or end it.</param>
internal sealed class FileBytes(Frames frames, CopyReport report, Func<CancellationToken, Task> between)
{
    private const int BlockOfStat = 512;

    /// <summary>
    /// Sends one, from an offset to the end that it had: one that grows faster than the line would never end. What says that it
    /// is empty may have something to say all the same: files of the system.
    /// </summary>
    /// <exception cref="DiskException">It cannot be read further.</exception>
    public Task SendAsync(OpenFile file, Posix.Statx found, long from, CancellationToken ct) =>
        // One with fewer blocks than bytes has holes.
        (long)found.Blocks * BlockOfStat >= (long)found.Size
            ? SendStretchAsync(file, from, found.Size == 0 ? long.MaxValue : (long)found.Size, ct)
            : SendSparseAsync(file, from, (long)found.Size, ct);

    private async Task SendSparseAsync(OpenFile file, long at, long size, CancellationToken ct)
    {
        while (at < size)
        {
            var (begin, end) = file.NextData(at) ?? (size, size);
            if (begin > at)
            {
                await frames.WriteAsync(FrameKind.Hole, begin - at, ct);
                report.AddBytes(begin - at);
            }
            if (begin >= size)
                return;
            at = await SendStretchAsync(file, begin, end, ct);
            if (at < end)
                return;
        }
    }

    /// <returns>Where it ended: before what was asked for where the file does.</returns>
    private async Task<long> SendStretchAsync(OpenFile file, long at, long end, CancellationToken ct)
    {
        while (at < end)
        {
            await between(ct);
            var room = await frames.RoomAsync(ct);
            var count = file.Read(room.Span[..(int)Math.Min(room.Length, end - at)], at);
            if (count == 0)
                break;
            frames.Commit(FrameKind.Data, count);
            report.AddBytes(count);
            at += count;
        }
        return at;
    }
}
