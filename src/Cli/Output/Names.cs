namespace Berth.Cli.Output;

/// <summary>Names may be cut short where they stay unique.</summary>
internal static class Names
{
    /// <summary>The one whose id or name is <paramref name="wanted"/>, or else the one where it begins so.</summary>
    /// <param name="wanted">As typed.</param>
    /// <param name="items">Among these.</param>
    /// <param name="namesOf">The names that a thing goes by; the first is shown.</param>
    /// <param name="noun">What it is.</param>
    /// <param name="list">The command that lists them.</param>
    public static T Pick<T>(string wanted, IReadOnlyList<T> items, Func<T, string[]> namesOf, string noun, string list)
    {
        if (wanted.Length == 0)
            throw CliException.Usage($"The name of the {noun} is empty.");
        var exact = items.Where(item => namesOf(item).Contains(wanted)).ToList();
        var found = exact.Count > 0
            ? exact
            : [.. items.Where(item => namesOf(item).Any(name => name.StartsWith(wanted, StringComparison.OrdinalIgnoreCase)))];
        return found.Count switch
        {
            1 => found[0],
            0 => throw CliException.NotFound($"There is no {noun} '{wanted}'. See `{list}`."),
            _ => throw CliException.Usage(
                $"'{wanted}' {(exact.Count > 0 ? "is the name" : "is the beginning of the names")} of {found.Count}: {string.Join(", ", found.Select(item => Shown(namesOf(item), exact.Count > 0)))}{(exact.Count > 0 ? ". Type what stands in parentheses." : ". Type more of it.")}"),
        };
    }

    /// <summary>Two things of the very same name are told apart by the next that they go by: a path, or the id.</summary>
    private static string Shown(string[] names, bool sameName) => sameName && names.Length > 1 ? $"{names[0]} ({names[1]})" : names[0];
}
