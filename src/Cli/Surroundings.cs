using System.Collections;
using System.Diagnostics;
using System.Text;
using Berth.Cli.Reach;

namespace Berth.Cli;

/// <summary>Everything that a command takes from the process it runs in; tests give their own.</summary>
internal sealed record Surroundings
{
    /// <summary>Data.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Progress and messages for people.</summary>
    public required TextWriter Error { get; init; }

    public required TextReader In { get; init; }

    /// <summary>Standard input, output and error as bytes, for what is not text.</summary>
    public Func<Stream> BytesIn { get; init; } = static () => Stream.Null;

    public Func<Stream> BytesOut { get; init; } = static () => Stream.Null;

    public Func<Stream> BytesError { get; init; } = static () => Stream.Null;

    public required bool OutIsTerminal { get; init; }

    public required bool ErrorIsTerminal { get; init; }

    public required bool InIsTerminal { get; init; }

    /// <summary>Columns of the terminal; 80 where there is none.</summary>
    public required int Width { get; init; }

    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    public required string WorkingFolder { get; init; }

    /// <summary>What was typed behind <c>--</c>: not this command's, but what it starts.</summary>
    public IReadOnlyList<string> BehindDashes { get; init; } = [];

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Reads a line that is not shown; from a terminal only.</summary>
    public Func<string> ReadSecret { get; init; } = static () => "";

    /// <summary>Opens a link; false where there is no browser to open it in.</summary>
    public Func<string, bool> OpenBrowser { get; init; } = static _ => false;

    public string? Variable(string name) => Variables.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    /// <summary>A program on PATH; null: there is none of that name.</summary>
    public string? FindProgram(string name) =>
        (Variable("PATH") ?? "").Split(':').Where(Path.IsPathRooted).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Where the local server keeps everything, its socket included.</summary>
    public string DataFolder => Folder("BERTH_DATA", "XDG_DATA_HOME", ".local/share");

    /// <summary>Contexts and the user's own settings.</summary>
    public string ConfigFolder => Folder(null, "XDG_CONFIG_HOME", ".config");

    /// <summary>What may be lost: the last choices.</summary>
    public string StateFolder => Folder(null, "XDG_STATE_HOME", ".local/state");

    public static Surroundings OfThisProcess()
    {
        var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");
        return new Surroundings
        {
            Out = Utf8(Console.OpenStandardOutput()),
            Error = Utf8(Console.OpenStandardError()),
            In = Console.In,
            BytesIn = static () => new InputDescriptor(0),
            BytesOut = static () => new OutputDescriptor(1),
            BytesError = static () => new OutputDescriptor(2),
            OutIsTerminal = !Console.IsOutputRedirected,
            ErrorIsTerminal = !Console.IsErrorRedirected,
            InIsTerminal = !Console.IsInputRedirected,
            Width = TerminalWidth(),
            Variables = variables,
            WorkingFolder = Environment.CurrentDirectory,
            ReadSecret = ReadHidden,
            OpenBrowser = link => Browse(link, variables),
        };
    }

    private static StreamWriter Utf8(Stream stream) => new(stream, new UTF8Encoding(false)) { AutoFlush = true };

    private static int TerminalWidth()
    {
        if (Console.IsOutputRedirected && Console.IsErrorRedirected)
            return 80;
        return Console.WindowWidth is > 0 and var width ? width : 80;
    }

    private static string ReadHidden()
    {
        var text = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter)
                return text.ToString();
            if (key.Key == ConsoleKey.Backspace)
                text.Length = Math.Max(0, text.Length - 1);
            else if (!char.IsControl(key.KeyChar))
                text.Append(key.KeyChar);
        }
    }

    private static bool Browse(string link, Dictionary<string, string> variables)
    {
        if (!variables.ContainsKey("DISPLAY") && !variables.ContainsKey("WAYLAND_DISPLAY") && !variables.ContainsKey("BROWSER"))
            return false;
        try
        {
            using var browser = Process.Start(new ProcessStartInfo("xdg-open", [link])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
            return browser is not null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private string Folder(string? own, string xdg, string fallback)
    {
        if (own is not null && Variable(own) is { } named)
            return Path.GetFullPath(named, WorkingFolder);
        var parent = Variable(xdg) ?? Path.Combine(Variable("HOME") ?? "/", fallback);
        return Path.Combine(parent, "berth");
    }
}
