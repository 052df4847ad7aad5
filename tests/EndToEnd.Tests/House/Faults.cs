using Berth.Core.Faults;

namespace Berth.EndToEnd.Tests.House;

/// <summary>The folder through which a server is told to kill itself at a step.</summary>
internal sealed class Faults(string dataFolder, IDictionary<string, string?> variables)
{
    private readonly string _folder = Arrange(dataFolder, variables);

    private string DieAt => Path.Combine(_folder, "die-at");

    private string PassedFile => Path.Combine(_folder, "passed");

    /// <summary>It dies when it gets there.</summary>
    public void Arm(string point) => File.WriteAllText(DieAt, point);

    /// <summary>It does not die any more.</summary>
    public void Disarm() => File.Delete(DieAt);

    /// <summary>Points that it has passed since this was asked last.</summary>
    public IReadOnlySet<string> TakePassed()
    {
        var passed = File.Exists(PassedFile) ? File.ReadAllLines(PassedFile).ToHashSet() : [];
        File.Delete(PassedFile);
        return passed;
    }

    private static string Arrange(string dataFolder, IDictionary<string, string?> variables)
    {
        var folder = Directory.CreateDirectory(Path.Combine(dataFolder, "faults")).FullName;
        variables[FaultPoints.Variable] = folder;
        return folder;
    }
}
