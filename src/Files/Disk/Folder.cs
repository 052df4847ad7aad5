using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Berth.Files.Disk;

/// <summary>
/// An open folder. What is in it is named from here, one name at a time, and no link is ever followed: whoever moves
/// folders about meanwhile, or puts links in their place, leads nobody out of it.
/// </summary>
internal sealed unsafe class Folder : IDisposable
{
    private const uint Everything = 0x7ff;
    private const uint OwnersAlone = 0x1c0; // rwx------

    /// <summary>Mode of a folder that is nobody's copy: all that the umask leaves.</summary>
    public const uint AsUsual = 0x1ff;

    private const int LongestLink = 4096;
    private readonly SafeFileHandle _folder;

    private Folder(int fd) => _folder = new SafeFileHandle(fd, ownsHandle: true);

    /// <summary>One that the user named: links on the way are followed.</summary>
    /// <exception cref="DiskException">It is not there, or no folder.</exception>
    public static Folder Open(ReadOnlySpan<byte> path) => new(OpenAt(Posix.AtWorkingFolder, path, Posix.Directory, 0));

    /// <summary>Another hold of the same folder.</summary>
    public Folder Again() => new(OpenAt(Number, "."u8, Posix.Directory, 0));

    /// <exception cref="DiskException">It is not there, a link, or no folder.</exception>
    public Folder OpenFolder(ReadOnlySpan<byte> name) => new(OpenAt(Number, name, Posix.Directory | Posix.NoFollow, 0));

    /// <summary>One whose name the user gave: a link of that name is followed.</summary>
    /// <exception cref="DiskException">It is not there, or no folder.</exception>
    public Folder OpenNamed(ReadOnlySpan<byte> name) => new(OpenAt(Number, name, Posix.Directory, 0));

    /// <summary>The folder of a name, made where there is none: its owner may write it until its mode is set.</summary>
    /// <exception cref="DiskException">It cannot be had.</exception>
    public Folder MakeFolder(ReadOnlySpan<byte> name, uint mode = OwnersAlone)
    {
        fixed (byte* path = Terminated(name))
        {
            if (Posix.mkdirat(_folder, path, mode) == 0)
                return OpenFolder(name);
            if (Marshal.GetLastPInvokeError() != Posix.Exists)
                throw DiskException.Last();
        }
        var there = OpenFolder(name);
        there.LetOwnerWrite();
        return there;
    }

    /// <summary>Returns once its names are on the disk.</summary>
    public void Sync() => Disk.OpenFile.Sync(Posix.fsync(_folder));

    /// <summary>Opens a file to be read. A pipe is not waited for: whoever asks looks at what was opened.</summary>
    /// <exception cref="DiskException">It cannot be read.</exception>
    public OpenFile OpenFile(ReadOnlySpan<byte> name, bool follow = false) =>
        new(OpenAt(Number, name, Posix.NonBlocking | (follow ? 0 : Posix.NoFollow), 0));

    /// <summary>A new file, its owner's alone; null: there is something of that name.</summary>
    /// <exception cref="DiskException">It cannot be made.</exception>
    public OpenFile? TryCreate(ReadOnlySpan<byte> name) => TryOpen(name, Posix.ReadWrite | Posix.Create | Posix.Exclusive | Posix.NoFollow, Posix.Exists);

    /// <summary>A file to be written that should be there; null: it is not, or something else is.</summary>
    public OpenFile? TryOpenExisting(ReadOnlySpan<byte> name)
    {
        try
        {
            return new OpenFile(OpenAt(Number, name, Posix.ReadWrite | Posix.NoFollow | Posix.NonBlocking, 0));
        }
        catch (DiskException)
        {
            return null;
        }
    }

    /// <summary>What a name stands for.</summary>
    /// <exception cref="DiskException">Nothing, or it cannot be seen.</exception>
    public Posix.Statx Look(ReadOnlySpan<byte> name, bool follow = false) => Look(Number, name, follow ? 0 : Posix.NoFollowAt);

    public static Posix.Statx Look(int folder, ReadOnlySpan<byte> name, int flags)
    {
        Posix.Statx found;
        fixed (byte* path = Terminated(name))
            Disk.OpenFile.Check(Posix.statx(folder, path, flags, Everything, &found));
        return found;
    }

    public static EntryKind KindOf(in Posix.Statx found) => (found.Mode & 0xf000) switch
    {
        0x8000 => EntryKind.File,
        0x4000 => EntryKind.Folder,
        0xa000 => EntryKind.Link,
        _ => EntryKind.Other,
    };

    /// <exception cref="DiskException">It is none, or cannot be read.</exception>
    public byte[] ReadLink(ReadOnlySpan<byte> name)
    {
        var target = new byte[LongestLink];
        fixed (byte* path = Terminated(name), buffer = target)
        {
            var length = Posix.readlinkat(_folder, path, buffer, target.Length);
            Disk.OpenFile.Check(length);
            return target[..(int)length];
        }
    }

    /// <summary>Makes a link, and sets when it was modified.</summary>
    /// <exception cref="DiskException">It cannot be made.</exception>
    public void MakeLink(ReadOnlySpan<byte> name, ReadOnlySpan<byte> target, Meta meta)
    {
        var times = stackalloc Posix.Timespec[2];
        times[0] = new Posix.Timespec { Nanoseconds = Posix.Timespec.Omit };
        times[1] = new Posix.Timespec { Seconds = meta.Seconds, Nanoseconds = meta.Nanoseconds };
        fixed (byte* path = Terminated(name), to = Terminated(target))
        {
            Disk.OpenFile.Check(Posix.symlinkat(to, _folder, path));
            Disk.OpenFile.Check(Posix.utimensat(_folder, path, times, Posix.NoFollowAt));
        }
    }

    /// <summary>Puts what has one name in the place of what has another.</summary>
    /// <exception cref="DiskException">It cannot be put there.</exception>
    public void Rename(ReadOnlySpan<byte> name, ReadOnlySpan<byte> to)
    {
        fixed (byte* path = Terminated(name), toPath = Terminated(to))
            Disk.OpenFile.Check(Posix.renameat(_folder, path, _folder, toPath));
    }

    /// <summary>Removes a file or a link; that there is none is as good.</summary>
    public void Remove(ReadOnlySpan<byte> name)
    {
        fixed (byte* path = Terminated(name))
            _ = Posix.unlinkat(_folder, path, 0);
    }

    public void Set(Meta meta) => Disk.OpenFile.Set(_folder, meta);

    // One that an earlier copy made read-only. Where it is somebody else's, what is put into it will tell.
    private void LetOwnerWrite()
    {
        var mode = Meta.Of(Look("."u8)).Mode;
        if ((mode & OwnersAlone) != OwnersAlone)
            _ = Posix.fchmod(_folder, mode | OwnersAlone);
    }

    /// <summary>What is in it, one after the other, as the system has them.</summary>
    public Entries Read() => new(OpenAt(Number, "."u8, Posix.Directory, 0));

    public void Dispose() => _folder.Dispose();

    private int Number => (int)_folder.DangerousGetHandle();

    private OpenFile? TryOpen(ReadOnlySpan<byte> name, int flags, int none)
    {
        try
        {
            return new OpenFile(OpenAt(Number, name, flags, 0x180));
        }
        catch (DiskException e) when (e.Error == none)
        {
            return null;
        }
    }

    private static int OpenAt(int folder, ReadOnlySpan<byte> name, int flags, uint mode)
    {
        fixed (byte* path = Terminated(name))
        {
            while (true)
            {
                var fd = Posix.openat(folder, path, flags | Posix.CloseOnExec, mode);
                if (fd >= 0)
                    return fd;
                if (Marshal.GetLastPInvokeError() != Posix.Interrupted)
                    throw DiskException.Last();
            }
        }
    }

    private static byte[] Terminated(ReadOnlySpan<byte> name) => [.. name, 0];

    /// <summary>Names in a folder, with what they stand for where the system says so.</summary>
    public sealed class Entries : IDisposable
    {
        private const int TypeAt = 18, NameAt = 19;
        private nint _entries;

        public Entries(int fd)
        {
            _entries = Posix.fdopendir(fd);
            if (_entries == 0)
                throw DiskException.Last();
        }

        /// <summary>The next one; null: there are no more.</summary>
        /// <exception cref="DiskException">The folder cannot be read further.</exception>
        public (byte[] Name, EntryKind Kind)? Next()
        {
            while (true)
            {
                var entry = Posix.readdir(_entries);
                if (entry == null)
                    return Marshal.GetLastPInvokeError() is 0 ? null : throw DiskException.Last();
                var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + NameAt);
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    return (name.ToArray(), Kind(entry[TypeAt]));
            }
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _entries, 0) is not 0 and var entries)
                _ = Posix.closedir(entries);
        }

        private static EntryKind Kind(byte type) => type switch
        {
            0 => EntryKind.Unknown,
            8 => EntryKind.File,
            4 => EntryKind.Folder,
            10 => EntryKind.Link,
            _ => EntryKind.Other,
        };
    }
}
