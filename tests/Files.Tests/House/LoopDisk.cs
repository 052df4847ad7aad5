namespace Berth.Files.Tests.House;

/// <summary>A disk that is a file: what has come to it can be looked at, as if the machine had lost its power now. Takes root, as mounting does.</summary>
internal sealed class LoopDisk : IDisposable
{
    private readonly Temporary _place;
    private readonly string _name;

    private LoopDisk(Temporary place, string name) => (_place, _name) = (place, name);

    /// <summary>Where it is mounted.</summary>
    public string Folder => _place[_name];

    private string Image => _place[$"{_name}.img"];

    /// <summary>An empty one; null where this user may not mount.</summary>
    public static LoopDisk? TryMake(Temporary place)
    {
        var disk = new LoopDisk(place, "disk");
        // Nothing is written by the clock meanwhile, but what is waited for.
        Temporary.Run("sh", "-c", "truncate -s 64M \"$1\" && PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q \"$1\" || true", "_", disk.Image);
        return disk.TryMount("commit=300") ? disk : null;
    }

    /// <summary>Another one with what is on it now; what the system has not written yet is lost.</summary>
    public LoopDisk AfterAPowerCut()
    {
        var after = new LoopDisk(_place, $"{_name}-after");
        Temporary.Run("cp", Image, after.Image);
        Assert.True(after.TryMount("rw"), "what is left can be mounted");
        return after;
    }

    public void Dispose() => Temporary.Run("umount", Folder);

    private bool TryMount(string options)
    {
        Directory.CreateDirectory(Folder);
        return Temporary.Run("sh", "-c", "mount -o \"loop,$3\" \"$1\" \"$2\" 2>&1 && echo mounted || true", "_", Image, Folder, options).EndsWith("mounted\n", StringComparison.Ordinal);
    }
}
