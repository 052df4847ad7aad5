using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text;
using Berth.Cli.Commands;

namespace Berth.Cli.Help;

/// <summary>The help of a command: what it does, its usage, examples, flags. At most 80 columns, on any terminal.</summary>
internal sealed class HelpPage(Surroundings here) : SynchronousCommandLineAction
{
    private const int Width = 80;
    private const int Indent = 2;
    private const int MostLabel = 26;
    private const int LongestChoice = 12;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        here.Out.Write(Render(parseResult.CommandResult.Command));
        return ExitCodes.Ok;
    }

    public static string PathOf(Command command)
    {
        var parent = command.Parents.OfType<Command>().FirstOrDefault();
        return parent is null ? "berth" : $"{PathOf(parent)} {command.Name}";
    }

    /// <summary>Its own and those of its parents that it takes too.</summary>
    public static IEnumerable<Option> OptionsOf(Command command)
    {
        var inherited = command.Parents.OfType<Command>().FirstOrDefault() is { } parent
            ? OptionsOf(parent).Where(option => option.Recursive)
            : [];
        return command.Options.Concat(inherited);
    }

    public static string Render(Command command)
    {
        var text = new StringBuilder();
        Paragraph(text, command.Description + ".", 0);
        text.Append('\n').Append("Usage:\n").Append(' ', Indent).Append(Usage(command)).Append('\n');
        foreach (var section in command.Subcommands.Where(verb => !verb.Hidden).GroupBy(verb => Sections.Of(command, verb)))
            Rows(text, section.Key, [.. section.Select(verb => (verb.Name, verb.Description ?? ""))]);
        Rows(text, "Arguments", [.. command.Arguments.Select(argument => (Label(argument), argument.Description ?? ""))]);
        Examples(text, command);
        var own = command.Options.Where(option => !option.Hidden && !option.Recursive).ToList();
        Rows(text, "Flags", [.. own.Select(Row)]);
        Rows(text, "Flags of every command", [.. OptionsOf(command).Where(option => option.Recursive && !option.Hidden).Select(Row)]);
        if (command is RootCommand)
        {
            text.Append('\n');
            Paragraph(text, "Each flag can also be set as a variable (--default-url: BERTH_DEFAULT_URL), in ./.berth.yaml "
                + "or in ~/.config/berth/config.yaml (default-url: /lab). Names may be cut short where they stay unique. "
                + "`berth COMMAND --help` says more.", 0);
        }
        return text.ToString();
    }

    private static string Usage(Command command)
    {
        var text = PathOf(command);
        if (command.Subcommands.Count > 0)
            return command is Verb ? $"{text} [FLAGS]\n{new string(' ', Indent)}{text} COMMAND" : text + " COMMAND";
        foreach (var argument in command.Arguments)
            text += " " + Label(argument);
        return command.Options.Any(option => !option.Recursive) ? text + " [FLAGS]" : text;
    }

    private static string Label(Argument argument)
    {
        var name = (argument.HelpName ?? argument.Name).ToUpperInvariant();
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    private static (string, string) Row(Option option)
    {
        var shortName = option.Aliases.FirstOrDefault(alias => alias.Length == 2);
        var label = (shortName is null ? "    " : shortName + ", ") + option.Name;
        if (option.HelpName is { } value && option.ValueType != typeof(bool))
            label += value.Contains('|') && value.Length > LongestChoice ? " WORD" : " " + value;
        return (label, option.Description ?? "");
    }

    private static void Examples(StringBuilder text, Command command)
    {
        if (command is not Verb { Examples: { Count: > 0 } examples })
            return;
        text.Append("\nExamples:\n");
        foreach (var example in examples)
        {
            Paragraph(text, "# " + example.Does, Indent);
            Line(text, "berth " + example.Line);
        }
    }

    /// <summary>A line for the shell: one that is too long is continued, so that it can be copied as it stands.</summary>
    private static void Line(StringBuilder text, string line)
    {
        text.Append(' ', Indent);
        var room = Width - Indent;
        while (line.Length > room)
        {
            var at = line.LastIndexOf(' ', room - 2);
            text.Append(line.AsSpan(0, at)).Append(" \\\n").Append(' ', Indent * 3);
            line = line[(at + 1)..];
            room = Width - Indent * 3;
        }
        text.Append(line).Append('\n');
    }

    private static void Rows(StringBuilder text, string title, List<(string Label, string Words)> rows)
    {
        if (rows.Count == 0)
            return;
        text.Append('\n').Append(title).Append(":\n");
        var column = Math.Min(MostLabel, rows.Max(row => row.Label.Length)) + Indent + 2;
        foreach (var (label, words) in rows)
        {
            text.Append(' ', Indent).Append(label);
            var at = Indent + label.Length;
            if (at + 2 > column)
            {
                text.Append('\n');
                at = 0;
            }
            text.Append(' ', column - at);
            Paragraph(text, words, column, firstIndented: true);
        }
    }

    private static void Paragraph(StringBuilder text, string words, int indent, bool firstIndented = false)
    {
        var at = indent;
        if (!firstIndented)
            text.Append(' ', indent);
        var first = true;
        foreach (var word in words.Split(' '))
        {
            if (!first && at + 1 + word.Length > Width)
            {
                text.Append('\n').Append(' ', indent);
                at = indent;
                first = true;
            }
            if (!first)
            {
                text.Append(' ');
                at++;
            }
            text.Append(word);
            at += word.Length;
            first = false;
        }
        text.Append('\n');
    }
}
