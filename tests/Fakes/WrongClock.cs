using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Berth.Fakes;

/// <summary>Makes a real program, and whatever it starts, see another time of day than there is. Durations are right.</summary>
public sealed class WrongClock : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-clock-");

    public WrongClock()
    {
        // Whoever's program it is has to read it.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        using var compiler = Process.Start("gcc", ["-shared", "-fPIC", "-O1", "-o", Library, Source()]);
        compiler.WaitForExit();
        if (compiler.ExitCode != 0)
            throw new InvalidOperationException($"gcc ended with {compiler.ExitCode}.");
    }

    private string Library => Path.Combine(_folder.FullName, "wrong-clock.so");

    /// <summary>The environment of a program whose clock is so much ahead, or behind where it is negative.</summary>
    public Dictionary<string, string> Variables(TimeSpan by) => new()
    {
        ["LD_PRELOAD"] = Library,
        ["WRONG_CLOCK"] = ((long)by.TotalSeconds).ToString(CultureInfo.InvariantCulture),
    };

    public void Dispose() => _folder.Delete(recursive: true);

    private static string Source([CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, "wrong-clock.c");
}
