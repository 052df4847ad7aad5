using System.Security.Cryptography;
using System.Text;

namespace Berth.Files.Disk;

/// <summary>Names of files are bytes; only to people are they text.</summary>
public static class Names
{
    private const int Longest = 255;
    private static ReadOnlySpan<byte> DraftBegin => ".berth-copy-"u8;
    private static ReadOnlySpan<byte> DraftEnd => ".part"u8;

    /// <summary>For people: without what could act on a terminal.</summary>
    public static string Shown(ReadOnlySpan<byte> name) => new([.. Encoding.UTF8.GetString(name).Select(c => char.IsControl(c) ? '\uFFFD' : c)]);

    /// <summary>Whether it names something in a folder, and nothing elsewhere.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= Longest && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8) && name.IndexOfAny((byte)'/', (byte)0) < 0;

    /// <summary>A path split where its last name begins; a path that ends in no name of its own has an empty one.</summary>
    public static (byte[] Folder, byte[] Name) Split(ReadOnlySpan<byte> path)
    {
        var trimmed = path.TrimEnd((byte)'/');
        if (trimmed.IsEmpty)
            return ([.. path], []);
        var at = trimmed.LastIndexOf((byte)'/');
        var name = trimmed[(at + 1)..];
        return IsPlain(name) ? (at < 0 ? [(byte)'.'] : [.. trimmed[..(at + 1)]], [.. name]) : ([.. path], []);
    }

    /// <summary>A path below a folder, or by itself where it is absolute.</summary>
    public static byte[] Below(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> path) =>
        path is [(byte)'/', ..] ? [.. path] : path.IsEmpty ? [.. folder] : [.. folder, (byte)'/', .. path];

    /// <summary>
    /// Where a file grows until it is whole. The same for each copy of the same name: what a copy that was broken off has left is found by the
    /// next one.
    /// </summary>
    internal static byte[] Draft(ReadOnlySpan<byte> name) => Draft(Convert.ToHexStringLower(SHA256.HashData(name).AsSpan(0, 8)));

    /// <summary>Another one, where that one is somebody else's.</summary>
    internal static byte[] OtherDraft() => Draft(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));

    internal static bool IsDraft(ReadOnlySpan<byte> name) => name.StartsWith(DraftBegin) && name.EndsWith(DraftEnd);

    private static byte[] Draft(string mark) => [.. DraftBegin, .. Encoding.ASCII.GetBytes(mark), .. DraftEnd];
}
