using System.Collections;
using Berth.Agent.Unix;
using Berth.Core.Agents;

namespace Berth.Agent;

/// <summary>Makes the variables that the front end starts with.</summary>
internal static class SessionEnvironment
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private const string JupyterFolder = AgentFiles.ProgramFolder + "/share/jupyter";

    /// <summary>What the image and the provider set.</summary>
    public static Dictionary<string, string> OfThisProcess() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(v => (string)v.Key, v => (string?)v.Value ?? "");

    /// <summary>
    /// The image's variables, then the order's. HOME stays where it can be written; else it is a folder of the workspace,
    /// which programs need for their settings, and which is kept; else <c>/tmp</c>.
    /// </summary>
    public static Dictionary<string, string> Make(IReadOnlyDictionary<string, string> image, AgentOrder order)
    {
        var environment = new Dictionary<string, string>(image);
        environment.Remove(SessionFolder.Variable);
        foreach (var (name, value) in order.Environment)
            environment[name] = value;
        environment.TryAdd("PATH", DefaultPath);
        // A JupyterLab of whatever image finds its notice of deadlines there (docs/decisions tells why it comes this way).
        if (Directory.Exists(JupyterFolder))
            environment["JUPYTER_PATH"] = environment.TryGetValue("JUPYTER_PATH", out var path) && path.Length > 0 ? $"{JupyterFolder}:{path}" : JupyterFolder;
        if (!environment.TryGetValue("HOME", out var home) || home is "" or "/" || !Writable(home))
        {
            if (HomeInWorkspace(order.MountDirectory) is { } found)
                environment["HOME"] = found;
            else if (Writable("/tmp"))
                environment["HOME"] = "/tmp";
        }
        return environment;
    }

    public static bool Writable(string folder) => Native.access(folder, Native.WriteAllowed | Native.ExecuteAllowed) == 0;

    private static string? HomeInWorkspace(string workspace)
    {
        if (!Writable(workspace))
            return null;
        try
        {
            var folder = Path.Combine(workspace, ".berth");
            var home = Directory.CreateDirectory(Path.Combine(folder, "home")).FullName;
            var ignore = Path.Combine(folder, ".gitignore");
            // The workspace may be a repository itself (--here): it should not show there.
            if (!File.Exists(ignore))
                File.WriteAllText(ignore, "*\n");
            return Writable(home) ? home : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
