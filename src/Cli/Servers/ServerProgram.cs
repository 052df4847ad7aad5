using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Berth.Cli.Servers;

/// <summary>The program <c>berth-server</c> that came with this command.</summary>
internal static class ServerProgram
{
    private const string Name = "berth-server";
    private const string OptionPrefix = "BERTH_SERVER_";

    /// <summary>For installations that keep it elsewhere.</summary>
    public const string Variable = OptionPrefix + "PROGRAM";

    public static string Missing { get; } =
        $"No Berth server is set up, and the program {Name} is not beside this command ({AppContext.BaseDirectory}). "
        + $"Sign in to a server with `berth login URL`, or set {Variable} to the program.";

    /// <summary>Null: it is not installed.</summary>
    public static string? Find(Surroundings here)
    {
        if (here.Variable(Variable) is { } named)
            return File.Exists(named) ? Path.GetFullPath(named, here.WorkingFolder)
                : throw CliException.Usage($"{Variable} is '{named}', and there is no such file.");
        string[] places = [Name, Path.Combine("server", Name)];
        return places.Select(place => Path.Combine(AppContext.BaseDirectory, place)).FirstOrDefault(File.Exists);
    }

    /// <summary>
    /// Variables for the program: those of here, with its options as <c>BERTH_SERVER_…</c>. They hold secrets, so they are not
    /// put on its command line, which every user of the machine can read.
    /// </summary>
    public static IReadOnlyDictionary<string, string> VariablesFor(Surroundings here, IReadOnlyDictionary<string, string?> options)
    {
        var variables = new Dictionary<string, string>(here.Variables) { [OptionPrefix + "DATA"] = here.DataFolder };
        foreach (var (name, value) in options)
        {
            if (value is not null)
                variables[OptionPrefix + name] = value;
        }
        return variables;
    }

    /// <summary>Replaces this process by the program, so that signals and exit code are the program's own. Returns never, but by throwing.</summary>
    [DoesNotReturn]
    public static unsafe void Become(string program, IReadOnlyDictionary<string, string> variables, params string[] args)
    {
        var argv = Libc.Strings([program, .. args]);
        var environment = Libc.Strings([.. variables.Select(pair => $"{pair.Key}={pair.Value}")]);
        _ = Libc.execve(argv[0], argv, environment);
        var error = new Win32Exception(Marshal.GetLastPInvokeError());
        throw new CliException(ExitCodes.Error, $"{program} cannot be started: {error.Message}.");
    }
}
