using Berth.Cli;
using Berth.Cli.Quick;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

// The list of sessions is looked at all day: it is answered without the machinery that the other commands need.
return QuickList.TryRun(args) ?? Cli.Run(args);
