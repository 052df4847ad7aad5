using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Berth.Files.Disk;

/// <summary>A regular file, read and written at offsets.</summary>
internal sealed unsafe class OpenFile(int fd) : IDisposable
{
    private const int Chunk = 128 * 1024;
    private readonly SafeFileHandle _file = new(fd, ownsHandle: true);

    public Posix.Statx Look() => Folder.Look((int)_file.DangerousGetHandle(), [], Posix.EmptyPath);

    /// <returns>How many bytes; 0: the end.</returns>
    /// <exception cref="DiskException">It cannot be read.</exception>
    public int Read(Span<byte> into, long offset)
    {
        fixed (byte* buffer = into)
        {
            while (true)
            {
                var count = Posix.pread(_file, buffer, into.Length, offset);
                if (count >= 0)
                    return (int)count;
                if (Marshal.GetLastPInvokeError() != Posix.Interrupted)
                    throw DiskException.Last();
            }
        }
    }

    /// <exception cref="DiskException">It cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* buffer = bytes)
        {
            for (var written = 0; written < bytes.Length;)
            {
                var count = Posix.pwrite(_file, buffer + written, bytes.Length - written, offset + written);
                if (count >= 0)
                    written += (int)count;
                else if (Marshal.GetLastPInvokeError() != Posix.Interrupted)
                    throw DiskException.Last();
            }
        }
    }

    /// <summary>The next stretch that holds data, at or behind an offset; null: nothing but a hole follows. Where that is not known, all is data.</summary>
    public (long Begin, long End)? NextData(long offset)
    {
        var begin = Posix.lseek(_file, offset, Posix.SeekData);
        if (begin < 0)
            return Marshal.GetLastPInvokeError() == Posix.NoDeviceOrAddress ? null : (offset, long.MaxValue);
        var end = Posix.lseek(_file, begin, Posix.SeekHole);
        return (begin, end < 0 ? long.MaxValue : end);
    }

    public void SetLength(long length) => Check(Posix.ftruncate(_file, length));

    /// <summary>Whether nobody else has it locked: this one now has.</summary>
    public bool TryLock() => Posix.flock(_file, Posix.LockExclusive | Posix.LockNonBlocking) == 0;

    public void Set(Meta meta) => Set(_file, meta);

    /// <summary>SHA-256 of its first bytes; null: it has not so many.</summary>
    public byte[]? Hash(long length, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Chunk];
        for (var at = 0L; at < length;)
        {
            ct.ThrowIfCancellationRequested();
            var count = Read(buffer.AsSpan(0, (int)Math.Min(Chunk, length - at)), at);
            if (count == 0)
                return null;
            hash.AppendData(buffer, 0, count);
            at += count;
        }
        return hash.GetHashAndReset();
    }

    /// <summary>Returns once it is on the disk.</summary>
    public void Sync() => Sync(Posix.fsync(_file));

    /// <summary>Returns once everything of its file system is on the disk.</summary>
    public void SyncDisk() => Sync(Posix.syncfs(_file));

    public void Dispose() => _file.Dispose();

    /// <summary>Some file systems have no disk, or do not tell.</summary>
    internal static void Sync(int result)
    {
        if (result < 0 && Marshal.GetLastPInvokeError() is not (Posix.Invalid or Posix.NoSuchCall or Posix.NotSupported))
            throw DiskException.Last();
    }

    internal static void Set(SafeFileHandle file, Meta meta)
    {
        Check(Posix.fchmod(file, meta.Mode));
        var times = stackalloc Posix.Timespec[2];
        times[0] = new Posix.Timespec { Nanoseconds = Posix.Timespec.Omit };
        times[1] = new Posix.Timespec { Seconds = meta.Seconds, Nanoseconds = meta.Nanoseconds };
        Check(Posix.futimens(file, times));
    }

    internal static void Check(long result)
    {
        if (result < 0)
            throw DiskException.Last();
    }
}
