using System.Diagnostics;

namespace Berth.Fakes;

/// <summary>A file system of a few megabytes, in memory, that a test can fill. Takes root, as mounting does.</summary>
public sealed class SmallDisk : IDisposable
{
    private readonly string _filler;

    private SmallDisk(string folder) => (Folder, _filler) = (folder, Path.Combine(folder, "filler"));

    public string Folder { get; }

    /// <summary>Null where this user may not mount.</summary>
    public static SmallDisk? TryMount(int megabytes)
    {
        var folder = Directory.CreateTempSubdirectory("berth-d-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=700", "berth-test", folder))
            return new SmallDisk(folder);
        Directory.Delete(folder);
        return null;
    }

    /// <summary>Leaves not a byte.</summary>
    public void Fill()
    {
        using var filler = File.OpenHandle(_filler, FileMode.OpenOrCreate, FileAccess.Write);
        var (block, at) = (new byte[4096], RandomAccess.GetLength(filler));
        try
        {
            for (; ; at += block.Length)
                RandomAccess.Write(filler, block, at);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Gives back what <see cref="Fill"/> took.</summary>
    public void Free() => File.Delete(_filler);

    public void Dispose()
    {
        Run("umount", "--lazy", Folder);
        Directory.Delete(Folder);
    }

    private static bool Run(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true, UseShellExecute = false })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
