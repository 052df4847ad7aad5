namespace Berth.Files;

/// <summary>How far a copy is, for whoever shows it; read while it runs.</summary>
public sealed class CopyReport
{
    private long _files;
    private long _bytes;
    private long _troubles;
    private long _totalFiles = -1;
    private long _totalBytes;
    private volatile string _present = "";

    /// <summary>Told of each thing that was not copied, in a sentence.</summary>
    public Action<string>? Trouble { get; init; }

    /// <summary>Told that a file goes on where an earlier copy of it was broken off: which, and how many bytes were there.</summary>
    public Action<string, long>? WentOn { get; init; }

    /// <summary>Files and links that are done.</summary>
    public long Files => Interlocked.Read(ref _files);

    /// <summary>Of files, those included that were there already.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>What was not copied.</summary>
    public long Troubles => Interlocked.Read(ref _troubles);

    /// <summary>What is being copied.</summary>
    public string Present => _present;

    /// <summary>All there is; null: not counted yet.</summary>
    public (long Files, long Bytes)? Total => Interlocked.Read(ref _totalFiles) is >= 0 and var files ? (files, Interlocked.Read(ref _totalBytes)) : null;

    internal void Begin(string path) => _present = path;

    internal void AddBytes(long count) => Interlocked.Add(ref _bytes, count);

    internal void AddFile() => Interlocked.Increment(ref _files);

    internal void GoOn(string path, long from)
    {
        AddBytes(from);
        WentOn?.Invoke(path, from);
    }

    internal void SetTotal(long files, long bytes)
    {
        Interlocked.Exchange(ref _totalBytes, bytes);
        Interlocked.Exchange(ref _totalFiles, files);
    }

    internal void Tell(string trouble)
    {
        Interlocked.Increment(ref _troubles);
        Trouble?.Invoke(trouble);
    }
}
