using System.CommandLine;
using System.CommandLine.Help;
using Berth.Cli.Commands.Sessions;
using Berth.Cli.Help;

namespace Berth.Cli.Commands;

/// <summary>The tree of commands.</summary>
internal static class BerthCommand
{
    public static RootCommand Create(Surroundings here)
    {
        var root = new RootCommand("Interactive sessions with your code and data, on the compute you may use");
        foreach (var flag in GlobalFlags.Create())
            root.Add(flag);
        foreach (var verb in SessionVerbs(here))
            root.Add(verb);
        root.Add(new Group("session", "Start, list, show, open, pause, stop … sessions: the commands above", SessionVerbs(here)));
        root.SetAction(_ => new HelpPage(here).Invoke(root.Parse([])));
        foreach (var option in root.Options)
        {
            if (option is HelpOption)
                option.Action = new HelpPage(here);
            else if (option is VersionOption)
                option.Action = new VersionAction(here);
        }
        return root;
    }

    private static Command[] SessionVerbs(Surroundings here) =>
    [
        new StartCommand(here),
        new ListCommand(here),
        new ShowCommand(here),
        new LogsCommand(here),
        new OpenCommand(here),
        new PauseCommand(here),
        new ResumeCommand(here),
        new StopCommand(here),
        new ExtendCommand(here),
        new EventsCommand(here),
    ];
}
