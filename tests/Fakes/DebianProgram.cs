using System.Diagnostics;

namespace Berth.Fakes;

/// <summary>A program that tests need: the machine's own, or fetched from Debian's packages without installing it.</summary>
public static class DebianProgram
{
    private static readonly string[] Folders = ["/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin"];

    /// <summary>Path of the program; it is fetched at most once into <paramref name="folder"/>.</summary>
    public static async Task<string> FindAsync(string program, string package, string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var unpacked = Path.Combine(folder, package);
        string[] places = [.. Folders, .. Folders.Select(f => unpacked + f)];
        if (places.Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists) is { } found)
            return found;
        if (Directory.Exists(unpacked))
            throw new InvalidOperationException($"The package {package} holds no program {program}.");
        using var process = Process.Start(
            "/bin/sh", ["-c", "cd \"$1\" && apt-get download -qq \"$2\" && dpkg -x \"$2\"_*.deb \"$2\"", "sh", folder, package]);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} cannot be fetched. Type as root: apt-get install {package}");
        return await FindAsync(program, package, folder);
    }
}
