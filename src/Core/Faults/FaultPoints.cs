using System.Diagnostics;

namespace Berth.Core.Faults;

/// <summary>
/// Places at which a crash must do no harm: before and after each step that an enumeration names (<see cref="Commit"/>, a
/// provider's calls). For tests: a process that was started with <see cref="Variable"/> kills itself, as the kernel or
/// <c>kill -9</c> would, at the point that the folder's file <c>die-at</c> names, and lists in <c>passed</c> those that it
/// passes. In any other process the variable is absent, which is read once, and a point is a test of a constant.
/// </summary>
public static class FaultPoints
{
    /// <summary>Names the folder. It belongs to whoever starts the process; nothing that users send gets here.</summary>
    public const string Variable = "BERTH_TEST_FAULTS";

    private static readonly string? Folder = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;
    private static readonly Lock OneAtATime = new();

    /// <summary>This process may kill itself.</summary>
    public static bool Armed => Folder is not null;

    /// <summary>Both points of every step, by the names that <c>die-at</c> takes.</summary>
    public static IEnumerable<string> Of<TStep>()
        where TStep : struct, Enum => Enum.GetValues<TStep>().SelectMany(step => new[] { Name(step, "before"), Name(step, "after") });

    /// <summary>The step is about to be taken.</summary>
    public static void Before<TStep>(TStep step)
        where TStep : struct, Enum
    {
        if (Folder is not null)
            Pass(Folder, Name(step, "before"));
    }

    /// <summary>The step was taken.</summary>
    public static void After<TStep>(TStep step)
        where TStep : struct, Enum
    {
        if (Folder is not null)
            Pass(Folder, Name(step, "after"));
    }

    private static string Name<TStep>(TStep step, string moment)
        where TStep : struct, Enum => $"{typeof(TStep).Name}.{step}.{moment}";

    private static void Pass(string folder, string point)
    {
        lock (OneAtATime)
        {
            File.AppendAllText(Path.Combine(folder, "passed"), point + "\n");
            var deadly = Path.Combine(folder, "die-at");
            if (!File.Exists(deadly) || File.ReadAllText(deadly) != point)
                return;
            File.Delete(deadly); // once: the next process lives
            using var self = Process.GetCurrentProcess();
            self.Kill();
        }
    }
}
