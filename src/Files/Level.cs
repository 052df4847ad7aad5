using Berth.Files.Disk;

namespace Berth.Files;

/// <summary>A folder that is being filled.</summary>
/// <param name="Folder">It; null: it cannot be had, and what is in it is skipped.</param>
/// <param name="Meta">What it gets when it is complete: earlier, its own filling would change that; null: it stays as it is.</param>
/// <param name="Shown">Its path, for people.</param>
internal sealed record Level(Folder? Folder, Meta? Meta, string Shown)
{
    /// <exception cref="DiskException">It is whole, and cannot be given its mode and times.</exception>
    public void Close(bool isWhole)
    {
        using (Folder)
        {
            if (Folder is null || Meta is not { } meta)
                return;
            try
            {
                Folder.Set(meta);
            }
            catch (DiskException) when (!isWhole)
            {
                // What broke the copy off is told.
            }
        }
    }
}
