using System.CommandLine;

namespace Berth.Cli.Help;

/// <summary>What may have been meant.</summary>
internal static class Suggestions
{
    public static string Unknown(Command command, string word)
    {
        var isFlag = word.StartsWith('-');
        var known = isFlag
            ? HelpPage.OptionsOf(command).SelectMany(option => option.Aliases.Append(option.Name))
            : command.Subcommands.Select(verb => verb.Name);
        var nearest = known.Select(name => (name, distance: Distance(word, name)))
            .Where(pair => pair.distance <= 2 || (word.Length > 2 && pair.name.StartsWith(word)))
            .OrderBy(pair => pair.distance).Select(pair => pair.name).FirstOrDefault();
        var path = HelpPage.PathOf(command);
        var what = isFlag ? $"`{path}` has no flag '{word}'."
            : command.Subcommands.Count > 0 ? $"There is no command `{path} {word}`."
            : $"`{path}` takes no '{word}'.";
        return nearest is null ? what : $"{what} Did you mean '{nearest}'?";
    }

    /// <summary>Levenshtein's.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[b.Length];
    }
}
