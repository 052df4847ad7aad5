using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Servers;

internal static class ContextName
{
    public static string Check(string name)
    {
        if (name == ContextStore.Local)
            throw CliException.Usage($"'{ContextStore.Local}' is the server of this machine: choose another name with --name.");
        return name.Length is > 0 and <= 253 && !name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))
            ? name
            : throw CliException.Usage("The name of a server is one word.");
    }
}
