using System.CommandLine;
using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Servers;

internal sealed class LogoutCommand : Verb
{
    private readonly Argument<string?> _name = new("name") { Description = "Which server; the one in use when left out", Arity = ArgumentArity.ZeroOrOne };

    public LogoutCommand(Surroundings here)
        : base(here, "logout", "Forget a server and its token")
    {
        Add(_name);
    }

    public override IReadOnlyList<Example> Examples => [new("logout", "Commands go to this machine's server again")];

    protected override Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var store = new ContextStore(call.Here);
        var (name, _) = store.Find(call.Get(_name));
        if (name == ContextStore.Local)
            throw CliException.Usage("The server of this machine needs no sign-in, so there is nothing to sign out of.");
        ContextRemoveCommand.Remove(store, name);
        call.Report.Line($"Forgot '{name}' and its token. To make the token useless elsewhere too, delete it on the server's pages.");
        return Task.FromResult(ExitCodes.Ok);
    }
}
