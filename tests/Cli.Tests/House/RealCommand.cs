using System.Diagnostics;

namespace Berth.Cli.Tests.House;

/// <summary>The command as a process, with a home folder of its own: what is of the process is real (signals, variables, standard streams).</summary>
internal sealed class RealCommand(string dataFolder) : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("berth-p-").FullName;
    private readonly Dictionary<string, string> _variables = [];

    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "berth");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Sets a variable of those that are started from now on; null: none.</summary>
    public void Set(string variable, string? value)
    {
        _variables.Remove(variable);
        if (value is not null)
            _variables[variable] = value;
    }

    /// <summary>A file in its home folder, which it runs in.</summary>
    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(_home, name);
        File.WriteAllText(path, text);
        return path;
    }

    public Task<Ran> RunAsync(params string[] args) => EndAsync(Start(args));

    /// <summary>A line of the shell, in which <c>berth</c> is the command.</summary>
    public Task<Ran> ShellAsync(string line) => EndAsync(Launch("/bin/sh", "-c", $"berth() {{ '{Path}' \"$@\"; }}\n{line}"));

    public Process Start(params string[] args) => Launch(Path, args);

    public static async Task<Ran> EndAsync(Process process)
    {
        using (process)
        {
            var (data, people) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
            try
            {
                await process.WaitForExitAsync(Ct).WaitAsync(TimeSpan.FromSeconds(60), Ct);
            }
            catch (TimeoutException)
            {
                // As where whoever started the tests has interrupts ignored.
                process.Kill(entireProcessTree: true);
                throw;
            }
            return new Ran(process.ExitCode, await data, await people);
        }
    }

    public void Dispose() => Directory.Delete(_home, recursive: true);

    private Process Launch(string program, params string[] args)
    {
        var start = new ProcessStartInfo(program, args)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = _home,
        };
        string[] foreign = ["BERTH_", "XDG_", "HTTP", "NO_PROXY", "ALL_PROXY", "SSL_CERT_"];
        foreach (var name in start.Environment.Keys.Where(name => foreign.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))).ToList())
            start.Environment.Remove(name);
        start.Environment["HOME"] = _home;
        start.Environment["BERTH_DATA"] = dataFolder;
        foreach (var (name, value) in _variables)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
