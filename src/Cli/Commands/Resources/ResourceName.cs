using System.CommandLine;

namespace Berth.Cli.Commands.Resources;

internal static class ResourceName
{
    public static Argument<string> Argument(string noun) => new("name") { Description = $"Name or id of the {noun}, or the beginning of it" };
}
