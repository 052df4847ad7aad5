using System.Runtime.InteropServices;

namespace Berth.Files.Disk;

/// <summary>The system refused something; the message is its own word for why.</summary>
public sealed class DiskException(int error) : Exception(Words(error))
{
    internal int Error { get; } = error;

    /// <summary>Nothing else would go better: the disk is full or read-only, or there are no more descriptors.</summary>
    internal bool IsForAll => Error is Posix.NoSpace or Posix.OverQuota or Posix.ReadOnlyDisk or Posix.TooManyInSystem or Posix.TooManyOpen;

    internal static DiskException Last() => new(Marshal.GetLastPInvokeError());

    private static string Words(int error) => error switch
    {
        Posix.NoEntry => "it does not exist",
        Posix.NoSpace => "the disk is full",
        Posix.OverQuota => "the disk quota is used up",
        Posix.LinkLoop => "it is a link, and links are not followed",
        Posix.IsFolder => "a folder of that name is there",
        Posix.NotFolder => "it is no folder",
        _ => Marshal.GetPInvokeErrorMessage(error) is { Length: > 0 } words ? char.ToLowerInvariant(words[0]) + words[1..] : $"error {error}",
    };
}
