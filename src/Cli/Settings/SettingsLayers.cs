using System.CommandLine;
using System.CommandLine.Parsing;

namespace Berth.Cli.Settings;

/// <summary>
/// Every <c>--some-flag</c> can also be set as <c>BERTH_SOME_FLAG</c>, in <c>./.berth.yaml</c> or in the user's
/// <c>config.yaml</c>. Flag goes before variable, before the project's file, before the user's. What is set there is put
/// behind the arguments as if it had been typed, so that it is read and refused by the same rules.
/// </summary>
internal sealed class SettingsLayers(Surroundings here)
{
    private readonly Dictionary<Option, string> _origins = [];

    /// <summary>Where a flag's value was set, when it was not typed: <c>BERTH_CPU</c>, or a file's path.</summary>
    public string? OriginOf(Option option) => _origins.GetValueOrDefault(option);

    /// <summary>The arguments with what the layers add to them.</summary>
    public IReadOnlyList<string> Complete(RootCommand root, ParseResult typed, IReadOnlyList<string> args)
    {
        var flags = FlagsOf(typed.CommandResult).ToList();
        var open = flags.Where(flag => typed.GetResult(flag) is not { Implicit: false }).ToList();
        var taken = flags.Except(open).Select(Group).OfType<string>().ToHashSet();
        List<string> added = [];
        foreach (var layer in Layers(root))
        {
            List<string> takenHere = [];
            foreach (var flag in open.ToList())
            {
                if (Group(flag) is { } group && taken.Contains(group))
                    continue;
                if (layer.Find(flag) is not { } set)
                    continue;
                open.Remove(flag);
                _origins[flag] = set.Origin;
                if (Group(flag) is { } own)
                    takenHere.Add(own);
                added.AddRange(set.Values.Select(value => $"{flag.Name}={SwitchWord(flag, value)}"));
            }
            taken.UnionWith(takenHere);
        }
        return [.. args, .. added];
    }

    public static string VariableOf(Option flag) => "BERTH_" + KeyOf(flag).Replace('-', '_').ToUpperInvariant();

    private static string KeyOf(Option flag) => flag.Name.TrimStart('-');

    private static string? Group(Option flag) => ((IFlag)flag).Group;

    private IEnumerable<Layer> Layers(RootCommand root)
    {
        yield return new Layer(flag => here.Variable(VariableOf(flag)) is { } value
            ? (Split(flag, value), VariableOf(flag))
            : null);
        if (SettingsFile.Read(Path.Combine(here.WorkingFolder, ".berth.yaml")) is { } project)
            yield return Checked(root, project, ofProject: true);
        if (SettingsFile.Read(Path.Combine(here.ConfigFolder, "config.yaml")) is { } own)
            yield return Checked(root, own, ofProject: false);
    }

    /// <summary>A key that no flag has is refused at once: a typing error must not be a setting that silently does nothing.</summary>
    private static Layer Checked(RootCommand root, SettingsFile file, bool ofProject)
    {
        var known = AllFlags(root).ToLookup(KeyOf);
        foreach (var key in file.Keys)
        {
            if (!known.Contains(key))
                throw CliException.Usage($"{file.Path}: there is no flag '--{key}' that '{key}' could set.");
            if (ofProject && known[key].All(flag => ((IFlag)flag).Personal))
                throw CliException.Usage($"{file.Path}: '{key}' is yours to set, not a project's: type `--{key}`, or put it in your own config.yaml.");
        }
        return new Layer(flag => file.Values(KeyOf(flag)) is { } values && !(ofProject && ((IFlag)flag).Personal)
            ? (values, file.Path)
            : null);
    }

    private static IEnumerable<Option> FlagsOf(CommandResult command)
    {
        foreach (var option in command.Command.Options.Where(option => option is IFlag))
            yield return option;
        for (var parent = command.Parent as CommandResult; parent is not null; parent = parent.Parent as CommandResult)
        {
            foreach (var option in parent.Command.Options.Where(option => option.Recursive && option is IFlag))
                yield return option;
        }
    }

    private static IEnumerable<Option> AllFlags(Command command) =>
        command.Options.Where(option => option is IFlag).Concat(command.Subcommands.SelectMany(AllFlags));

    /// <summary>A variable holds several values one a line: commas and blanks may be part of a value.</summary>
    private static string[] Split(Option flag, string value) => flag.Arity.MaximumNumberOfValues > 1
        ? value.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        : [value];

    /// <summary>Switches are set by the words that people and YAML use.</summary>
    private static string SwitchWord(Option flag, string value) => flag is not Flag<bool> ? value : value.ToLowerInvariant() switch
    {
        "1" or "yes" or "on" => "true",
        "0" or "no" or "off" => "false",
        _ => value,
    };

    private sealed record Layer(Func<Option, (string[] Values, string Origin)?> Find);
}
