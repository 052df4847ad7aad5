using Berth.Files.Disk;

namespace Berth.Files;

/// <summary>Something that is to be copied.</summary>
/// <param name="Path">Where it is, absolute.</param>
/// <param name="Name">What it is called where it arrives; empty: it is a folder, and its contents are meant.</param>
/// <param name="Shown">What the user calls it.</param>
public sealed record CopySource(byte[] Path, byte[] Name, string Shown)
{
    /// <summary>A path as it was said, below a folder.</summary>
    public static CopySource Of(byte[] folder, byte[] said) => new(Names.Below(folder, said), NameOf(said), Names.Shown(said));

    /// <summary>The name that a path ends in; one such as <c>.</c>, <c>..</c> or <c>/</c> has none, and nothing said is the folder itself.</summary>
    public static byte[] NameOf(byte[] said) => Names.Split(said).Name;
}
