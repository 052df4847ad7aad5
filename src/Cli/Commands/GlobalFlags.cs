using System.CommandLine;
using Berth.Cli.Output;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands;

/// <summary>Flags that every command has. They are read by name, for each root command has its own.</summary>
internal static class GlobalFlags
{
    private const string ContextName = "--context";
    private const string OutputName = "--output";
    private const string WideWord = "wide";
    private const string ColumnsName = "--columns";
    private const string QuietName = "--quiet";
    private const string YesName = "--yes";
    private const string NoColorName = "--no-color";

    public static IReadOnlyList<Option> Create()
    {
        var output = Flags.OneOf(
            OutputName, "Form of what is printed: table, wide, json, yaml or name", ["table", "wide", "json", "yaml", "name"], "-o");
        output.Recursive = true;
        return
        [
            output,
            new Flag<string?>(ColumnsName, "Columns of the table, separated by commas", "-c") { HelpName = "COLUMNS", Recursive = true },
            new Flag<bool>(QuietName, "No progress and no messages but errors", "-q") { Recursive = true },
            new Flag<bool>(YesName, "Yes to every question, and none asked", "-y") { Recursive = true, Personal = true },
            new Flag<bool>(NoColorName, "No colours and no redrawn lines (also NO_COLOR)") { Recursive = true },
            new Flag<string?>(ContextName, "The server to speak to; see `berth context list`")
            {
                HelpName = "NAME", Recursive = true, Personal = true,
            },
        ];
    }

    public static string? Context(ParseResult parse) => parse.GetValue<string?>(ContextName);

    public static bool Quiet(ParseResult parse) => parse.GetValue<bool>(QuietName);

    public static bool Yes(ParseResult parse) => parse.GetValue<bool>(YesName);

    public static OutputFormat Format(ParseResult parse) =>
        parse.GetValue<string?>(OutputName) is { } word and not WideWord ? Enum.Parse<OutputFormat>(word, ignoreCase: true) : OutputFormat.Table;

    /// <summary>A table with all of its columns.</summary>
    public static bool Wide(ParseResult parse) => parse.GetValue<string?>(OutputName) == WideWord;

    public static IReadOnlyList<string> Columns(ParseResult parse) =>
        parse.GetValue<string?>(ColumnsName)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    public static bool Colours(ParseResult parse, Surroundings here) =>
        !parse.GetValue<bool>(NoColorName) && here.Variable("NO_COLOR") is null && here.Variable("TERM") != "dumb";
}
