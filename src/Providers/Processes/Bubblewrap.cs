using Berth.Core.Agents;
using Berth.Core.Providers;

namespace Berth.Providers.Processes;

/// <summary>
/// Decides what a session sees of the machine: its programs and files, read-only, its own workspace and temporary folder,
/// its own processes, and the machine's network. It does not see what is <see cref="ProcessOptions.Hidden"/>, nor where
/// secrets are in the home folder.
/// </summary>
internal sealed class Bubblewrap(ProcessOptions options)
{
    // Of what is made anew: what programs need to find names and times.
    private static readonly string[] s_neededOfRun = ["/run/systemd/resolve", "/run/resolvconf", "/run/nscd"];

    private static readonly string[] s_kept = ["PATH", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "SHELL", "HOME", "CONDA_EXE", "CONDA_PREFIX", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "CUDA_HOME"];

    private readonly RootView _root = new(options.Engines);

    private readonly HomeView _home = new(options.Home, Environment.GetEnvironmentVariable);

    /// <summary>The command line, program first.</summary>
    /// <param name="order">What to start.</param>
    /// <param name="workspace">Its folder here.</param>
    /// <param name="session">The folder of its order.</param>
    /// <param name="status">Number of the descriptor that bubblewrap writes to, and whose file it has a shared lock of.</param>
    /// <param name="alive">Descriptors of files that are locked while bubblewrap, and what waits for it, live.</param>
    /// <param name="limited">A command line that begins its first process with limits.</param>
    public IReadOnlyList<string> Command(StartOrder order, string workspace, string session, int status, int[] alive, IEnumerable<string> limited)
    {
        var mount = order.Spec.MountDirectory;
        List<string> line =
        [
            options.Bubblewrap, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1", "--die-with-parent", "--cap-drop", "ALL",
            "--json-status-fd", $"{status}", .. _root.Arguments(mount, AgentFiles.ProgramFolder, AgentFiles.SessionFolder),
        ];
        line.AddRange(["--proc", "/proc", "--dev", "/dev", "--ro-bind-try", "/sys", "/sys", "--tmpfs", "/tmp", "--tmpfs", "/run"]);
        foreach (var needed in s_neededOfRun)
            line.AddRange(["--ro-bind-try", needed, needed]);
        foreach (var device in Directory.EnumerateFileSystemEntries("/dev", "nvidia*"))
            line.AddRange(["--dev-bind-try", device, device]);
        line.AddRange(_home.Arguments());
        foreach (var hidden in options.Hidden.Where(Path.Exists).Select(HomeView.RealPath))
            line.AddRange(Directory.Exists(hidden) ? ["--tmpfs", hidden] : ["--ro-bind", "/dev/null", hidden]);
        line.AddRange(["--bind", workspace, mount, "--ro-bind", options.AgentFolder, AgentFiles.ProgramFolder, "--ro-bind", session, AgentFiles.SessionFolder]);
        line.AddRange(["--remount-ro", "/", .. _home.Close(mount), "--chdir", "/", "--clearenv"]);
        foreach (var (name, value) in Variables(order))
            line.AddRange(["--setenv", name, value]);
        return [.. line, "--", "/bin/sh", "-c", UnlessAlone(alive), "berth", .. limited, AgentFiles.Program, "session"];
    }

    // --die-with-parent counts from late in bubblewrap's start, for its child as for itself: whose parent has gone before that
    // would go on alone.
    private static string UnlessAlone(int[] alive) =>
        string.Concat(alive.Select(fd => $"flock --nonblock --conflict-exit-code 9 {fd}; [ $? = 9 ] || exit 1; ")) + $"exec {string.Concat(alive.Select(fd => $"{fd}>&- "))}\"$@\"";

    /// <summary>Why a workspace cannot be at the place that the environment wants; null: it can.</summary>
    public static string? CannotMountAt(string folder)
    {
        var top = "/" + folder.Split('/', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return folder == top || Directory.Exists(folder) || !Path.Exists(top)
            ? null
            : $"its environment wants the workspace at {folder}, which cannot be made on a machine without images: /work can.";
    }

    // Of the machine's own variables: those that lead to its programs. Whatever else its owner has set is theirs.
    private static IEnumerable<(string Name, string Value)> Variables(StartOrder order)
    {
        foreach (var name in s_kept)
        {
            if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } value)
                yield return (name, value);
        }

        var gpus = order.Spec.Resources.Gpu;
        if (gpus.Ids.Count > 0)
            yield return ("CUDA_VISIBLE_DEVICES", string.Join(',', gpus.Ids));
        else if (!gpus.Wanted)
            yield return ("CUDA_VISIBLE_DEVICES", "");
    }
}
