using System.CommandLine;
using System.Globalization;

namespace Berth.Cli.Settings;

/// <summary>What the settings need to know of a flag, whatever its type.</summary>
internal interface IFlag
{
    /// <summary>Flags of one group replace each other: whichever comes from the higher layer counts, and two in one layer are refused.</summary>
    string? Group { get; }

    /// <summary>
    /// Not for <c>./.berth.yaml</c>: that file comes with a project, and a project must not choose the user's server or answer
    /// in the user's name.
    /// </summary>
    bool Personal { get; }
}

/// <summary>A flag that can also be set by a variable or in a file; see <see cref="SettingsLayers"/>.</summary>
internal sealed class Flag<T> : Option<T>, IFlag
{
    public Flag(string name, string description, params string[] aliases)
        : base(name, aliases)
    {
        Description = description;
        AllowMultipleArgumentsPerToken = false;
    }

    public string? Group { get; init; }

    public bool Personal { get; set; }
}

/// <summary>Flags by the kind of their value, each with its own words for a value that is none.</summary>
internal static class Flags
{
    public static Flag<string?> Text(string name, string description, string value, params string[] aliases) =>
        new(name, description, aliases) { HelpName = value };

    public static Flag<bool> Switch(string name, string description, params string[] aliases) => new(name, description, aliases);

    /// <summary>May be given more than once.</summary>
    public static Flag<string[]> Texts(string name, string description, string value, params string[] aliases) =>
        new(name, description, aliases) { HelpName = value, Arity = ArgumentArity.OneOrMore };

    public static Flag<int?> Whole(string name, string description, string value, int least, int most, params string[] aliases) =>
        new(name, description, aliases)
        {
            HelpName = value,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
                    return number;
                result.AddError($"{name} is '{text}'; a whole number from {least} to {most} is expected.");
                return null;
            },
        };

    public static Flag<double?> Number(string name, string description, string value, params string[] aliases) =>
        new(name, description, aliases)
        {
            HelpName = value,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number > 0)
                    return number;
                result.AddError($"{name} is '{text}'; a number above 0 is expected, such as 2 or 0.5.");
                return null;
            },
        };

    /// <summary>A size in GB: <c>4</c>, <c>4G</c>, <c>512M</c>, <c>1T</c>, also as GiB and so on.</summary>
    public static Flag<double?> Size(string name, string description, params string[] aliases) =>
        new(name, description, aliases)
        {
            HelpName = "SIZE",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (Sizes.Gigabytes(text) is { } size)
                    return size;
                result.AddError($"{name} is '{text}'; a size is expected, such as 512M, 4G or 1T.");
                return null;
            },
        };

    /// <summary>A time span: <c>90s</c>, <c>5m</c>, <c>2h</c>, <c>1d</c>; a number alone is seconds.</summary>
    public static Flag<TimeSpan?> Span(string name, string description, params string[] aliases) =>
        new(name, description, aliases)
        {
            HelpName = "TIME",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (Sizes.Span(text) is { } span)
                    return span;
                result.AddError($"{name} is '{text}'; a time is expected, such as 90s, 5m or 2h.");
                return null;
            },
        };

    /// <summary>One of a few words.</summary>
    public static Flag<string?> OneOf(string name, string description, string[] words, params string[] aliases)
    {
        var flag = new Flag<string?>(name, description, aliases)
        {
            HelpName = string.Join('|', words),
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (words.Contains(text))
                    return text;
                result.AddError($"{name} is '{text}'; it can be {string.Join(", ", words[..^1])} or {words[^1]}.");
                return null;
            },
        };
        flag.CompletionSources.Add(_ => words.Select(word => new System.CommandLine.Completions.CompletionItem(word)));
        return flag;
    }
}
