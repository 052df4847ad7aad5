using System.CommandLine;
using System.CommandLine.Help;
using Berth.Cli.Commands.Images;
using Berth.Cli.Commands.Nodes;
using Berth.Cli.Commands.Queues;
using Berth.Cli.Commands.Resources;
using Berth.Cli.Commands.Servers;
using Berth.Cli.Commands.Sessions;
using Berth.Cli.Commands.Tokens;
using Berth.Cli.Commands.Users;
using Berth.Cli.Help;
using Berth.Contracts.Users;

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
        root.Add(new Group("session", "The commands above, by their full names", SessionVerbs(here)));
        root.Add(ResourceGroup.Of(here, new EnvironmentResource()));
        root.Add(ResourceGroup.Of(here, new LauncherResource()));
        root.Add(ResourceGroup.Of(here, new ProjectResource()));
        root.Add(ResourceGroup.Of(here, new PoolResource()));
        root.Add(ResourceGroup.Of(here, new ClassResource()));
        root.Add(new Group("user", "Users: who may sign in, and what they may hold (for admins)",
            new ListResource<UserView>(here, new UserResource()), new ShowResource<UserView>(here, new UserResource()),
            new CreateResource<UserView>(here, new UserResource()), new EditResource<UserView>(here, new UserResource()),
            new UserLinkCommand(here), new UserQuotaCommand(here)));
        root.Add(new Group("node", "Machines that join: lab machines that run sessions",
            new NodeListCommand(here), new NodeShowCommand(here), new NodeTokenCommand(here), new NodeJoinCommand(here), new NodeRunCommand(here), new NodeSetCommand(here),
            new NodeDrainCommand(here, drain: true), new NodeDrainCommand(here, drain: false), new NodeRemoveCommand(here)));
        root.Add(new SshConfigCommand(here));
        root.Add(new Group("queue", "Queues in which sessions wait for machines", new QueueListCommand(here)));
        root.Add(new ServerCommand(here));
        root.Add(new LoginCommand(here));
        root.Add(new LogoutCommand(here));
        root.Add(new WhoamiCommand(here));
        root.Add(new Group("context", "Servers that you are signed in to",
            new ContextListCommand(here), new ContextUseCommand(here), new ContextAddCommand(here), new ContextRemoveCommand(here)));
        root.Add(new Group("token", "API tokens, for programs and other machines",
            new TokenListCommand(here), new TokenCreateCommand(here), new TokenDeleteCommand(here)));
        root.Add(new Group("image", "Images of sessions", new ImageCheckCommand(here)));
        root.Add(new Group("image-credentials", "Your credentials for private images",
            new ImageCredentialListCommand(here), new ImageCredentialSetCommand(here), new ImageCredentialDeleteCommand(here)));
        root.Add(new CompletionCommand(here));
        root.SetAction(_ => new HelpPage(here).Invoke(root.Parse([])));
        foreach (var option in root.Options)
        {
            if (option is HelpOption)
            {
                option.Action = new HelpPage(here);
                option.Description = "Say what a command does, with examples";
                foreach (var alias in option.Aliases.Where(alias => alias != "-h").ToList())
                    option.Aliases.Remove(alias);
            }
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
        new PriorityCommand(here),
        new EventsCommand(here),
        new ForwardCommand(here),
        new AttachCommand(here),
        new ConnectionsCommand(here),
        new ExecCommand(here),
        new ShellCommand(here),
        new SshCommand(here),
        new CopyCommand(here),
    ];
}
