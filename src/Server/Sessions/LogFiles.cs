using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Berth.Server.Sessions;

/// <summary>
/// The files of one log: <c>OFFSET.log</c>, each named by the offset of its first byte, so that they say all there is to
/// know of it. No file stays open. One writer at a time; readers need no lock, for bytes that are written never change.
/// </summary>
internal sealed class LogFiles(string folder)
{
    /// <summary>Bytes that a file holds before the next one begins.</summary>
    public const long FileBytes = 5 * 1024 * 1024;
    private const int FilesKept = 2;
    private const int ChunkBytes = 64 * 1024;

    /// <summary>Offset behind the last byte.</summary>
    public long End()
    {
        var last = List().LastOrDefault(-1);
        return last < 0 ? 0 : last + new FileInfo(PathOf(last)).Length;
    }

    public void Append(long offset, ReadOnlySpan<byte> bytes)
    {
        var last = List().LastOrDefault(-1);
        var length = last < 0 ? 0 : new FileInfo(PathOf(last)).Length;
        if (last < 0 || last + length != offset || length >= FileBytes)
        {
            Directory.CreateDirectory(folder);
            last = offset;
        }
        using (var handle = File.OpenHandle(PathOf(last), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            RandomAccess.Write(handle, bytes, offset - last);
        foreach (var old in List().SkipLast(FilesKept))
            File.Delete(PathOf(old));
    }

    /// <summary>What is kept, from an offset on.</summary>
    public IEnumerable<LogChunk> Read(long offset)
    {
        byte[]? buffer = null;
        var files = List();
        for (var i = 0; i < files.Length; i++)
        {
            if (i + 1 < files.Length && files[i + 1] <= offset)
                continue;
            using var handle = TryOpen(files[i]);
            if (handle is null)
                continue;
            buffer ??= new byte[ChunkBytes];
            offset = Math.Max(offset, files[i]);
            while (RandomAccess.Read(handle, buffer, offset - files[i]) is not 0 and var count)
            {
                yield return new LogChunk(offset, buffer.AsMemory(0, count));
                offset += count;
            }
        }
    }

    /// <summary>Offset of the first of the last lines.</summary>
    public long TailOffset(int maxLines)
    {
        var files = List();
        var end = End();
        if (maxLines <= 0 || files.Length == 0)
            return end;
        var buffer = new byte[ChunkBytes];
        foreach (var file in files.Reverse())
        {
            using var handle = TryOpen(file);
            if (handle is null)
                break;
            for (var position = RandomAccess.GetLength(handle); position > 0;)
            {
                var start = Math.Max(0, position - buffer.Length);
                var part = buffer.AsSpan(0, RandomAccess.Read(handle, buffer.AsSpan(0, (int)(position - start)), start));
                for (var newline = part.LastIndexOf((byte)'\n'); newline >= 0; newline = part[..newline].LastIndexOf((byte)'\n'))
                {
                    var line = file + start + newline + 1;
                    // A newline behind the last line does not begin another one.
                    if (line < end && --maxLines == 0)
                        return line;
                }
                position = start;
            }
        }
        return files[0];
    }

    /// <summary>Offsets of the files, ascending.</summary>
    private long[] List()
    {
        string[] files;
        try
        {
            files = Directory.GetFiles(folder, "*.log");
        }
        catch (DirectoryNotFoundException)
        {
            return []; // never written, or deleted this very moment
        }

        var offsets = files
            .Select(path => long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var offset) ? offset : -1)
            .Where(offset => offset >= 0)
            .ToArray();
        Array.Sort(offsets);
        return offsets;
    }

    /// <returns>Null when it was deleted meanwhile, being too old.</returns>
    private SafeFileHandle? TryOpen(long offset)
    {
        try
        {
            return File.OpenHandle(PathOf(offset), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private string PathOf(long offset) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{offset:D16}.log"));
}
