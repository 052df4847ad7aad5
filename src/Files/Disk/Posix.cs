using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]

namespace Berth.Files.Disk;

/// <summary>
/// The calls of libc that this room needs. .NET's own take names as text, which not every name is, and paths as a whole,
/// which may lead elsewhere by the time they are used. Constants are Linux's; two differ by processor.
/// </summary>
internal static unsafe partial class Posix
{
    private const string C = "libc";

    public const int AtWorkingFolder = -100;
    public const int NoFollowAt = 0x100, EmptyPath = 0x1000, RemoveFolder = 0x200;
    public const int ReadOnly = 0, ReadWrite = 2, Create = 0x40, Exclusive = 0x80, NonBlocking = 0x800, CloseOnExec = 0x80000;
    public const int SeekData = 3, SeekHole = 4;
    public const int LockExclusive = 2, LockNonBlocking = 4;

    public const int NoEntry = 2, Interrupted = 4, NoDeviceOrAddress = 6, Exists = 17, NotFolder = 20, IsFolder = 21, Invalid = 22;
    public const int TooManyInSystem = 23, TooManyOpen = 24, TooLarge = 27, NoSpace = 28, ReadOnlyDisk = 30, NoSuchCall = 38, LinkLoop = 40, NotSupported = 95, OverQuota = 122;

    private static readonly bool s_isArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    public static readonly int Directory = s_isArm ? 0x4000 : 0x10000;
    public static readonly int NoFollow = s_isArm ? 0x8000 : 0x20000;

    [LibraryImport(C, SetLastError = true)]
    public static partial int openat(int folder, byte* name, int flags, uint mode);

    [LibraryImport(C, SetLastError = true)]
    public static partial int statx(int folder, byte* name, int flags, uint mask, Statx* result);

    [LibraryImport(C, SetLastError = true)]
    public static partial nint pread(SafeFileHandle file, byte* buffer, nint count, long offset);

    [LibraryImport(C, SetLastError = true)]
    public static partial nint pwrite(SafeFileHandle file, byte* buffer, nint count, long offset);

    [LibraryImport(C, SetLastError = true)]
    public static partial long lseek(SafeFileHandle file, long offset, int whence);

    [LibraryImport(C, SetLastError = true)]
    public static partial int ftruncate(SafeFileHandle file, long length);

    [LibraryImport(C, SetLastError = true)]
    public static partial int fsync(SafeFileHandle file);

    [LibraryImport(C, SetLastError = true)]
    public static partial int syncfs(SafeFileHandle file);

    [LibraryImport(C, SetLastError = true)]
    public static partial int flock(SafeFileHandle file, int operation);

    [LibraryImport(C, SetLastError = true)]
    public static partial int fchmod(SafeFileHandle file, uint mode);

    [LibraryImport(C, SetLastError = true)]
    public static partial int futimens(SafeFileHandle file, Timespec* accessedAndModified);

    [LibraryImport(C, SetLastError = true)]
    public static partial int utimensat(SafeFileHandle folder, byte* name, Timespec* accessedAndModified, int flags);

    [LibraryImport(C, SetLastError = true)]
    public static partial int mkdirat(SafeFileHandle folder, byte* name, uint mode);

    [LibraryImport(C, SetLastError = true)]
    public static partial int symlinkat(byte* target, SafeFileHandle folder, byte* name);

    [LibraryImport(C, SetLastError = true)]
    public static partial nint readlinkat(SafeFileHandle folder, byte* name, byte* buffer, nint size);

    [LibraryImport(C, SetLastError = true)]
    public static partial int renameat(SafeFileHandle folder, byte* name, SafeFileHandle toFolder, byte* toName);

    [LibraryImport(C, SetLastError = true)]
    public static partial int unlinkat(SafeFileHandle folder, byte* name, int flags);

    [LibraryImport(C, SetLastError = true)]
    public static partial nint fdopendir(int folder);

    // Sets errno only on an error: it is cleared before.
    [LibraryImport(C, SetLastError = true)]
    public static partial byte* readdir(nint entries);

    [LibraryImport(C)]
    public static partial int closedir(nint entries);

    [LibraryImport(C)]
    public static partial uint geteuid();

    /// <summary>What <c>statx</c> tells: of one form on every processor.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct Statx
    {
        [FieldOffset(16)] public uint Links;
        [FieldOffset(20)] public uint User;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(40)] public ulong Size;
        [FieldOffset(48)] public ulong Blocks;
        [FieldOffset(112)] public long ModifiedSeconds;
        [FieldOffset(120)] public uint ModifiedNanoseconds;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;

        /// <summary>In place of nanoseconds: leave it as it is.</summary>
        public const long Omit = (1 << 30) - 2;
    }
}
