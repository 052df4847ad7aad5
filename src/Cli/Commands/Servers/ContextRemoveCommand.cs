using System.CommandLine;
using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Servers;

internal sealed class ContextRemoveCommand : Verb
{
    private readonly Argument<string> _name = new("name") { Description = "Which server, or the beginning of its name" };

    public ContextRemoveCommand(Surroundings here)
        : base(here, "remove", "Forget a server and its token")
    {
        Add(_name);
    }

    public override IReadOnlyList<Example> Examples => [new("context remove lab", "The same as `berth logout lab`")];

    public static void Remove(ContextStore store, string name)
    {
        var all = store.Read();
        all.Contexts.Remove(name);
        store.Write(all.Current == name ? all with { Current = ContextStore.Local } : all);
    }

    protected override Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var store = new ContextStore(call.Here);
        var (name, _) = store.Find(call.Get(_name));
        if (name == ContextStore.Local)
            throw CliException.Usage("The server of this machine is always known: it cannot be removed.");
        Remove(store, name);
        call.Report.Line($"Forgot '{name}' and its token.");
        return Task.FromResult(ExitCodes.Ok);
    }
}
