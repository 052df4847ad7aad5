using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;

namespace Berth.Cli.Help;

/// <summary><c>berth --version</c>. The published command's launcher answers the same by itself.</summary>
internal sealed class VersionAction(Surroundings here) : SynchronousCommandLineAction
{
    public static string Version { get; } =
        typeof(VersionAction).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        here.Out.WriteLine("berth " + Version);
        return ExitCodes.Ok;
    }
}
