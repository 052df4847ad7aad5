namespace Berth.Agent.Services.Processes;

/// <summary>Finds the session's shell: its own, by the variable SHELL, else bash, else sh.</summary>
internal static class Shells
{
    /// <summary>Its variable.</summary>
    public const string Variable = "SHELL";

    /// <exception cref="CommandException">There is none.</exception>
    public static string Find(IReadOnlyDictionary<string, string> environment)
    {
        var path = environment["PATH"];
        string?[] candidates = [environment.GetValueOrDefault(Variable), "bash", "sh", "/bin/bash", "/bin/sh"];
        foreach (var candidate in candidates)
        {
            try
            {
                if (!string.IsNullOrEmpty(candidate))
                    return CommandPath.Find(candidate, path, "/");
            }
            catch (CommandException)
            {
                // The next one, then.
            }
        }
        throw new CommandException(
            $"there is no shell in the image: neither bash nor sh (looked for in {path} and /bin). Run one of its programs with `berth session exec`", 127);
    }
}
