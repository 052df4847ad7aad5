using Berth.Agent.Unix;

namespace Berth.Agent;

/// <summary>Finds the file of a command, as execvp(3) does, with words for what is wrong.</summary>
internal static class CommandPath
{
    /// <exception cref="CommandException">There is none that can be run.</exception>
    public static string Find(string command, string path, string workingDirectory)
    {
        if (command.Contains('/'))
        {
            var file = Path.Combine(workingDirectory, command);
            return Runnable(file) ? file : throw Refusal(command, file);
        }
        string? refused = null;
        foreach (var folder in path.Split(':'))
        {
            var file = Path.Combine(workingDirectory, folder, command);
            if (Runnable(file))
                return file;
            if (File.Exists(file))
                refused ??= file;
        }
        throw refused is null ? new CommandException($"{command} is not in the image (looked for in {path})", 127) : Refusal(refused, refused);
    }

    /// <summary>Words for an execution that the kernel refused although the file is there.</summary>
    public static CommandException Refusal(string file, SpawnException e) => e.Error switch
    {
        Native.NoEntry => new CommandException($"what {file} needs to run (the interpreter in its first line, or its loader) is not in the image", 127),
        Native.NotExecutableFormat => new CommandException($"{file} is neither a program for this machine nor a script with #! in its first line", 126),
        Native.AccessDenied => new CommandException($"{file} may not be run by user {Native.getuid()}", 126),
        _ => new CommandException($"{file}: {e.Message}", 126),
    };

    private static bool Runnable(string file) => File.Exists(file) && Native.access(file, Native.ExecuteAllowed) == 0;

    private static CommandException Refusal(string command, string file) =>
        File.Exists(file) ? new CommandException($"{command} may not be run by user {Native.getuid()}", 126)
        : Directory.Exists(file) ? new CommandException($"{command} is a folder", 126)
        : new CommandException($"{command} is not in the image", 127);
}

/// <summary>A command cannot be run at all.</summary>
/// <param name="message">For a person.</param>
/// <param name="exitCode">A shell's: 127 not found, 126 not runnable.</param>
internal sealed class CommandException(string message, int exitCode) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
