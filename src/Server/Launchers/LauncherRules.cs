using System.Text.RegularExpressions;
using Berth.Contracts.Launchers;
using Berth.Server.Problems;

namespace Berth.Server.Launchers;

/// <summary>What a launcher may be, apart from its environment; limits are Renku's.</summary>
internal static partial class LauncherRules
{
    private const int MostVariables = 32;

    public static LauncherRequest Checked(LauncherRequest request) => request with
    {
        Name = Check.Name(request.Name, "name"),
        Description = Check.Text(request.Description, "description"),
        DiskStorage = Check.Range(request.DiskStorage, 1, int.MaxValue, "disk_storage"),
        LauncherType = Check.OneOf(request.LauncherType ?? "interactive", "launcher_type", "interactive"),
        EnvVariables = CheckVariables(request.EnvVariables ?? []),
    };

    private static IReadOnlyList<EnvVariable> CheckVariables(IReadOnlyList<EnvVariable> variables)
    {
        Check.Count(variables, MostVariables, "env_variables");
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < variables.Count; i++)
        {
            var field = $"env_variables[{i}]";
            if (variables[i] is not { } variable)
                throw Check.Invalid(field, "must be a variable, not null");
            if (variable.Name.Length > 256 || !VariableName().IsMatch(variable.Name))
                throw Check.Invalid($"{field}.name", $"must have 1 to 256 letters, digits and underscores, the first no digit; it is '{variable.Name}'");
            if (variable.Name.StartsWith("RENKU", StringComparison.OrdinalIgnoreCase) || variable.Name.StartsWith("BERTH", StringComparison.OrdinalIgnoreCase))
                throw Check.Invalid($"{field}.name", $"must not begin with RENKU or BERTH, which Berth sets itself; it is '{variable.Name}'");
            if (!names.Add(variable.Name))
                throw Check.Invalid($"{field}.name", $"is there more than once: '{variable.Name}'");
            if (variable.Value is { } value && (value.Length > 500 || value.Contains('\0')))
                throw Check.Invalid($"{field}.value", "must be a text of up to 500 characters");
        }

        return variables;
    }

    [GeneratedRegex("^[a-zA-Z_][a-zA-Z0-9_]*$")]
    private static partial Regex VariableName();
}
