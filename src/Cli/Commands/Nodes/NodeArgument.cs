using System.CommandLine;

namespace Berth.Cli.Commands.Nodes;

internal static class NodeArgument
{
    public static Argument<string> New() => new("node") { Description = "Name or id of the machine" };
}
