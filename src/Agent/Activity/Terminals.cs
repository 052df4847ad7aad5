using System.Text;
using Berth.Agent.Unix;

namespace Berth.Agent.Activity;

/// <summary>
/// The session's terminals, whoever made them: JupyterLab, VS Code, SSH. A terminal knows which process group it listens to;
/// while that is the shell's own, nobody has anything running there.
/// </summary>
internal static class Terminals
{
    // Pseudo-terminals are the major numbers 136 to 143 (Linux, Documentation/admin-guide/devices.txt), 256 to each.
    private const int FirstMajor = 136, LastMajor = 143;

    private static readonly HashSet<string> s_shells = ["sh", "bash", "dash", "zsh", "fish", "ksh", "mksh", "tcsh", "csh", "ash", "busybox", "nu", "xonsh"];

    // They show other terminals, which are looked at themselves; sudo and su stand before a shell, or before what is seen beside them.
    private static readonly string[] s_frames = ["tmux: client", "tmux", "screen", "zellij", "sudo", "su"];

    /// <summary>Whether a command runs in the foreground of any terminal.</summary>
    /// <param name="processes">Of the session.</param>
    /// <param name="commandLine">Of a process.</param>
    public static bool RunCommand(IReadOnlyList<SeenProcess> processes, Func<int, string[]> commandLine) => processes.Any(process =>
        process.Terminal != 0
        && process.Group == process.Foreground
        && process.Group != process.Session
        && !s_frames.Contains(process.Name)
        && !(s_shells.Contains(process.Name) && IsInteractive(commandLine(process.Pid))));

    /// <summary>Writes a line to every terminal that a process of the session has. Where it cannot be written at once, it is not.</summary>
    public static void Tell(string text)
    {
        // Whatever it is, it does not get to steer a terminal.
        var line = new string([.. text.Where(c => !char.IsControl(c))]);
        var bytes = Encoding.UTF8.GetBytes($"\r\n\a[Berth] {line}\r\n");
        foreach (var terminal in ProcessTable.Read().Select(process => process.Terminal).Distinct())
        {
            var (major, minor) = ((terminal >> 8) & 0xfff, (terminal & 0xff) | ((terminal >> 12) & 0xfff00));
            if (major is >= FirstMajor and <= LastMajor)
                Write($"/dev/pts/{(major - FirstMajor) * 256 + minor}", bytes);
        }
    }

    // A shell in a shell waits for its user like the first; one that runs a script (`bash long.sh`, `sh -c …`) does not.
    private static bool IsInteractive(string[] commandLine) =>
        commandLine.Skip(1).All(argument => argument.StartsWith('-') && (argument.StartsWith("--", StringComparison.Ordinal) || !argument.Contains('c')));

    private static unsafe void Write(string path, byte[] bytes)
    {
        // A terminal that was stopped (Ctrl-S) would hold whoever writes to it for ever.
        var fd = Native.open(path, Native.WriteOnly | Native.NoTerminal | Native.NonBlocking | Native.CloseOnExec);
        if (fd < 0)
            return;
        fixed (byte* start = bytes)
            _ = Native.write(fd, start, (nuint)bytes.Length);
        Native.close(fd);
    }
}
