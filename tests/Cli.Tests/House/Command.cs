using System.Runtime.Versioning;

[assembly: SupportedOSPlatform("linux")]

namespace Berth.Cli.Tests.House;

/// <summary>How a run of the command ended, and what it printed.</summary>
internal sealed record Ran(int Code, string Out, string Error)
{
    public string Line => Out.TrimEnd('\n');
}

/// <summary>The command through its real root, with a home folder of its own and captured output.</summary>
internal sealed class Command : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("berth-c-").FullName;
    private readonly Dictionary<string, string> _variables = [];

    /// <summary>For what is not run: no terminal, no settings, nothing printed.</summary>
    public static Surroundings Nowhere { get; } = new()
    {
        Out = TextWriter.Null,
        Error = TextWriter.Null,
        In = TextReader.Null,
        OutIsTerminal = false,
        ErrorIsTerminal = false,
        InIsTerminal = false,
        Width = 80,
        Variables = new Dictionary<string, string>(),
        WorkingFolder = "/",
    };

    public Command(string? dataFolder = null)
    {
        _variables["HOME"] = _home;
        if (dataFolder is not null)
            _variables["BERTH_DATA"] = dataFolder;
        Work = Directory.CreateDirectory(Path.Combine(_home, "work")).FullName;
    }

    /// <summary>The folder it runs in.</summary>
    public string Work { get; }

    public string ConfigFolder => Path.Combine(_home, ".config/berth");

    public List<string> Opened { get; } = [];

    public Command With(string variable, string value)
    {
        _variables[variable] = value;
        return this;
    }

    public void Write(string file, string text)
    {
        var path = Path.Combine(_home, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    public Task<Ran> RunAsync(params string[] args) => RunAsync(here => here, CancellationToken.None, args);

    /// <summary>On a terminal, with these answers typed.</summary>
    public Task<Ran> TypeAsync(string answers, params string[] args) => RunAsync(
        here => here with { In = new StringReader(answers), InIsTerminal = true, ErrorIsTerminal = true, OutIsTerminal = true },
        CancellationToken.None, args);

    public async Task<Ran> RunAsync(Func<Surroundings, Surroundings> change, CancellationToken ct, params string[] args)
    {
        var (data, people) = (new StringWriter(), new StringWriter());
        var here = change(Nowhere with
        {
            Out = TextWriter.Synchronized(data),
            Error = TextWriter.Synchronized(people),
            Variables = _variables,
            WorkingFolder = Work,
            OpenBrowser = link =>
            {
                Opened.Add(link);
                return true;
            },
        });
        var code = await Cli.RunAsync(args, here, ct);
        return new Ran(code, data.ToString(), people.ToString());
    }

    public void Dispose() => Directory.Delete(_home, recursive: true);
}
