using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Berth.Files.Disk;

/// <summary>What of a file is kept beside its bytes.</summary>
/// <param name="Mode">Who may do what: the nine bits, never setuid or its like.</param>
/// <param name="Seconds">When it was modified, since 1970.</param>
/// <param name="Nanoseconds">Beside these.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Meta(ushort Mode, long Seconds, uint Nanoseconds)
{
    public const int Length = 14;
    private const ushort Permissions = 0x1ff;

    public static Meta Of(in Posix.Statx found) => new((ushort)(found.Mode & Permissions), found.ModifiedSeconds, found.ModifiedNanoseconds);

    public static Meta Read(ReadOnlySpan<byte> from) => new(
        (ushort)(BinaryPrimitives.ReadUInt16BigEndian(from) & Permissions),
        BinaryPrimitives.ReadInt64BigEndian(from[2..]), Math.Min(BinaryPrimitives.ReadUInt32BigEndian(from[10..]), 999_999_999));

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt16BigEndian(to, Mode);
        BinaryPrimitives.WriteInt64BigEndian(to[2..], Seconds);
        BinaryPrimitives.WriteUInt32BigEndian(to[10..], Nanoseconds);
    }
}

/// <summary>What a name stands for.</summary>
internal enum EntryKind
{
    Unknown,
    File,
    Folder,
    Link,
    Other,
}
