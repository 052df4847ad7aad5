using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Sessions;

/// <summary>Variables for what runs in a session.</summary>
internal static class VariableFlag
{
    public static Flag<string[]> Create() => Flags.Texts("--env", "A variable; the name alone takes its value from here; repeatable", "K=V", "-E");

    /// <returns>Null: none was said.</returns>
    public static Dictionary<string, string>? Read(Call call, Flag<string[]> flag)
    {
        if (call.Get(flag) is not { Length: > 0 } pairs)
            return null;
        Dictionary<string, string> variables = [];
        foreach (var pair in pairs)
        {
            var at = pair.IndexOf('=');
            var name = at < 0 ? pair : pair[..at];
            if (name.Length == 0)
                throw CliException.Usage($"--env is '{pair}'; NAME=VALUE is expected, or the name of a variable that is set here.");
            variables[name] = at >= 0 ? pair[(at + 1)..]
                : call.Here.Variables.GetValueOrDefault(name) ?? throw CliException.Usage($"--env {name}: no variable of that name is set here. Say its value: --env {name}=VALUE.");
        }
        return variables;
    }
}
