using Berth.Files.Disk;

namespace Berth.Files;

/// <summary>
/// A file that is being received: it grows under a hidden name, and gets its own when it is whole. A large one that was
/// broken off is left there, for the next copy to go on from.
/// </summary>
internal sealed class Draft : IDisposable
{
    private readonly Folder _folder;
    private readonly byte[] _draftName;
    private readonly OpenFile _file;
    private bool _isDone;
    private bool _isGiven;
    private IDisposable? _hold;

    private Draft(Folder folder, byte[] draftName, OpenFile file) => (_folder, _draftName, _file) = (folder, draftName, file);

    /// <summary>How far it is.</summary>
    public long Length { get; private set; }

    /// <summary>It is worth being kept where the copy is broken off.</summary>
    public bool IsLarge => _hold is not null;

    /// <summary>Begins one.</summary>
    /// <exception cref="DiskException">It cannot be written.</exception>
    public static Draft Begin(Folder folder, ReadOnlySpan<byte> name)
    {
        var draftName = Names.Draft(name);
        if ((folder.TryCreate(draftName) ?? TryTake(folder, draftName)) is not { } file)
            return Other(folder);
        if (TryLock(folder, draftName, file))
        {
            // Only where there is something: ext4 writes a file out at once that was emptied and filled again.
            if (file.Look().Size > 0)
                file.SetLength(0);
            return new Draft(folder, draftName, file);
        }
        file.Dispose();
        return Other(folder);
    }

    /// <summary>Begins a large one, or takes up what an earlier copy left of it: that is as long as <see cref="Length"/> says.</summary>
    /// <exception cref="DiskException">It cannot be written.</exception>
    public static async Task<Draft> BeginLargeAsync(Folder folder, byte[] name, Drafts drafts, CopyPeer peer, CancellationToken ct)
    {
        var draftName = Names.Draft(name);
        if ((folder.TryCreate(draftName) ?? TryTake(folder, draftName)) is not { } file)
            return Other(folder);
        // A process that has gone has locked nothing; what a sender that is away has open here can be had.
        if (TryLock(folder, draftName, file) || (await drafts.TryFreeAsync(file, ct) && TryLock(folder, draftName, file)))
            return new Draft(folder, draftName, file) { Length = (long)file.Look().Size, _hold = drafts.Hold(file, peer) };
        file.Dispose();
        return Other(folder);
    }

    /// <summary>SHA-256 of what is there.</summary>
    public byte[] Hash(CancellationToken ct) => _file.Hash(Length, ct) ?? throw new DiskException(Posix.Invalid);

    /// <summary>What is behind here is not wanted.</summary>
    public void GoOnFrom(long length)
    {
        _file.SetLength(length);
        Length = length;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _file.Write(bytes, Length);
        Length += bytes.Length;
    }

    public void Skip(long count)
    {
        if (count > long.MaxValue - Length)
            throw new DiskException(Posix.TooLarge);
        _file.SetLength(Length + count);
        Length += count;
    }

    /// <summary>It is whole, and gets its name.</summary>
    public void Finish(ReadOnlySpan<byte> name, Meta meta, Settling settling)
    {
        _file.Set(meta);
        _folder.Rename(_draftName, name);
        _isDone = _isGiven = true;
        settling.Add(_file);
    }

    /// <summary>Leaves it for the next copy.</summary>
    public void Keep() => _isDone = true;

    public void Dispose()
    {
        if (!_isDone)
            _folder.Remove(_draftName);
        if (!_isGiven)
            _file.Dispose();
        _hold?.Dispose();
    }

    /// <summary>Whether it is this one's alone, and still has its name: whoever had it may just have finished it.</summary>
    private static bool TryLock(Folder folder, ReadOnlySpan<byte> name, OpenFile file)
    {
        try
        {
            return file.TryLock() && folder.Look(name).Inode == file.Look().Inode;
        }
        catch (DiskException)
        {
            return false;
        }
    }

    private static Draft Other(Folder folder)
    {
        var name = Names.OtherDraft();
        return new Draft(folder, name, folder.TryCreate(name) ?? throw new DiskException(Posix.Exists));
    }

    /// <summary>What an earlier copy left; null where somebody else put it there, as others may in some folders.</summary>
    private static OpenFile? TryTake(Folder folder, ReadOnlySpan<byte> name)
    {
        if (folder.TryOpenExisting(name) is not { } file)
            return null;
        var found = file.Look();
        if (Folder.KindOf(found) == EntryKind.File && found.Links == 1 && found.User == Posix.geteuid())
            return file;
        file.Dispose();
        return null;
    }
}
