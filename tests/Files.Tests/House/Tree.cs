using System.Text;
using Berth.Files.Disk;
using FsCheck;
using FsCheck.Fluent;

namespace Berth.Files.Tests.House;

/// <summary>Something that can be copied.</summary>
/// <param name="Name">Any bytes but a slash and zero.</param>
internal abstract record Node(byte[] Name)
{
    /// <summary>Any folder of any such things.</summary>
    public static Gen<FolderNode> Trees(int depth) =>
        from name in Names
        from mode in Gen.Elements<ushort>(0x1ed, 0x1c0, 0x1f8, 0x16d)
        from time in Times
        from children in (depth == 0 ? Leaf : Gen.Frequency((3, Leaf), (1, Trees(depth - 1).Select(Node (folder) => folder)))).ListOf()
        select new FolderNode(name, mode, time, [.. children.DistinctBy(child => Encoding.Latin1.GetString(child.Name))]);

    private static Gen<byte[]> Names => Gen.OneOf(
        Gen.Elements("a", "b.txt", "with space", "ü", "-rf", "*", "new\nline", "~", "a:b", ".hidden").Select(Encoding.UTF8.GetBytes),
        from length in Gen.Choose(1, 12)
        from bytes in Gen.Choose(1, 255).Select(value => value == '/' ? (byte)0xff : (byte)value).ArrayOf(length)
        select bytes is [(byte)'.'] or [(byte)'.', (byte)'.'] ? [0xfe] : bytes);

    private static Gen<(long, uint)> Times =>
        from seconds in Gen.OneOf(Gen.Choose(0, int.MaxValue), Gen.Choose(-1_000_000, 0))
        from nanoseconds in Gen.Choose(0, 999_999_999)
        select ((long)seconds, (uint)nanoseconds);

    private static Gen<Node> Leaf => Gen.Frequency(
        (4, from name in Names
            from mode in Gen.Elements<ushort>(0x1a4, 0x180, 0x1ed, 0x100, 0x49)
            from time in Times
            from size in Gen.OneOf(Gen.Elements(0, 1, 4096), Gen.Choose(0, 300_000))
            from hole in Gen.Elements(0, 0, 0, 1 << 20, 40 << 20)
            select (Node)new FileNode(name, mode, time, size, hole)),
        (1, from name in Names
            from target in Gen.Elements("nowhere", "/etc/passwd", "../..", "a", ".")
            select (Node)new LinkNode(name, target)));

    /// <summary>Makes it in a folder.</summary>
    public abstract void Make(Folder within);
}

/// <summary>A file of a size, perhaps with a hole in front of its data.</summary>
internal sealed record FileNode(byte[] Name, ushort Mode, (long Seconds, uint Nanoseconds) Time, int Size, int Hole) : Node(Name)
{
    public override void Make(Folder within)
    {
        using var file = within.TryCreate(Name)!;
        var bytes = new byte[Size];
        new Random(Size).NextBytes(bytes);
        file.SetLength(Hole + Size);
        file.Write(bytes, Hole);
        file.Set(new Meta(Mode, Time.Seconds, Time.Nanoseconds));
    }
}

/// <summary>A link.</summary>
internal sealed record LinkNode(byte[] Name, string Target) : Node(Name)
{
    public override void Make(Folder within) => within.MakeLink(Name, Encoding.UTF8.GetBytes(Target), new Meta(0, 1_000_000_000, 5));
}

/// <summary>A folder.</summary>
internal sealed record FolderNode(byte[] Name, ushort Mode, (long Seconds, uint Nanoseconds) Time, IReadOnlyList<Node> Children) : Node(Name)
{
    public override void Make(Folder within)
    {
        using var folder = within.MakeFolder(Name);
        foreach (var child in Children)
            child.Make(folder);
        folder.Set(new Meta(Mode, Time.Seconds, Time.Nanoseconds));
    }
}
