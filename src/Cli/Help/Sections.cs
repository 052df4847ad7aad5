using System.CommandLine;
using Berth.Cli.Commands;

namespace Berth.Cli.Help;

/// <summary>How the commands of <c>berth --help</c> are grouped.</summary>
internal static class Sections
{
    public static string Of(Command parent, Command command) => (parent, command.Name) switch
    {
        (not RootCommand, _) => "Commands",
        (_, "server" or "login" or "logout" or "whoami" or "context" or "token") => "Servers and sign-in",
        (_, "completion") => "More",
        (_, _) when command is Group => "Things",
        _ => "Sessions",
    };
}
