using System.Diagnostics;
using System.Runtime.Versioning;

[assembly: SupportedOSPlatform("linux")]

namespace Berth.Files.Tests.House;

/// <summary>A folder that is gone afterwards.</summary>
internal sealed class Temporary : IDisposable
{
    public Temporary() => Path = Directory.CreateTempSubdirectory("berth-f-").FullName;

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Everything below a folder that a copy keeps, one line each, as GNU find sees it: names in any bytes are quoted.</summary>
    public static string[] Described(string folder) =>
        Run("sh", "-c", "cd \"$1\" && find . -mindepth 1 \\( -type f -printf '%P f %m %T@ %s ' -exec sh -c 'sha256sum < \"$1\"' _ {} \\; \\) -o -printf '%P %y %m %T@ %l\\n' | LC_ALL=C sort", "_", folder)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs a program and gives what it says.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, StandardOutputEncoding = System.Text.Encoding.Latin1, UseShellExecute = false };
        using var process = Process.Start(start)!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return said;
    }

    public void Dispose()
    {
        // .NET cannot delete what it cannot name.
        Run("rm", "-rf", Path);
    }
}
