using Berth.Files.Disk;

namespace Berth.Files;

/// <summary>
/// Where a copy goes, as <c>cp</c> has it: into a folder that is there, else to the name itself. The user named it, so links on
/// the way are followed; below it none is.
/// </summary>
public sealed class Landing : IDisposable
{
    private Landing(Folder folder, byte[]? name, bool isFolder, string shown) => (Folder, Name, IsFolder, Shown) = (folder, name, isFolder, shown);

    /// <summary>What arrives is put in here,</summary>
    internal Folder Folder { get; }

    /// <summary>under this name; null: under its own.</summary>
    internal byte[]? Name { get; }

    /// <summary>The name was said with a slash: a file does not go there.</summary>
    internal bool IsFolder { get; }

    /// <summary>What the user calls it.</summary>
    internal string Shown { get; }

    /// <summary>Finds it.</summary>
    /// <param name="folder">Where a relative path begins.</param>
    /// <param name="said">The path.</param>
    /// <param name="several">Several things go there: it must be a folder.</param>
    /// <param name="place">Where that is, for sentences: <c>in the session</c>.</param>
    /// <param name="makesFolders">Folders on the way that are not there are made.</param>
    /// <exception cref="CopyFailedException">Nothing can go there.</exception>
    public static Landing Find(byte[] folder, byte[] said, bool several, string place, bool makesFolders = false)
    {
        var (path, shown) = (Names.Below(folder, said), said.Length == 0 ? "." : Names.Shown(said));
        var isFolder = path[^1] == '/';
        try
        {
            return new Landing(makesFolders && isFolder ? Made(path) : Folder.Open(path), null, true, shown);
        }
        catch (DiskException e) when (e.Error is Posix.NoEntry)
        {
            if (several)
                throw new CopyFailedException($"The folder '{shown}' does not exist {place}, and several things are to go there: make it first.");
        }
        catch (DiskException e) when (e.Error is Posix.NotFolder && !several && !isFolder)
        {
            // A file, which is replaced; or a path through one, which the parent tells.
        }
        catch (DiskException e)
        {
            throw new CopyFailedException($"Nothing can be copied into '{shown}' {place}: {e.Message}.");
        }
        var (parent, name) = Names.Split(path);
        try
        {
            if (name.Length == 0)
                throw new DiskException(Posix.NoEntry);
            return new Landing(makesFolders ? Made(parent) : Folder.Open(parent), name, isFolder, shown);
        }
        catch (DiskException e)
        {
            throw new CopyFailedException($"Nothing can be copied to '{shown}' {place}: its folder cannot be opened, {e.Message}. Make it first.");
        }
    }

    /// <summary>A folder that the user named, with those on the way to it.</summary>
    private static Folder Made(byte[] path)
    {
        try
        {
            return Folder.Open(path);
        }
        catch (DiskException e) when (e.Error is Posix.NoEntry && Names.Split(path) is { Name.Length: > 0 })
        {
            var (parent, name) = Names.Split(path);
            using var above = Made(parent);
            return above.MakeFolder(name, Folder.AsUsual);
        }
    }

    public void Dispose() => Folder.Dispose();
}
