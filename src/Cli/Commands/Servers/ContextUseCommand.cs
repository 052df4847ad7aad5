using System.CommandLine;
using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Servers;

internal sealed class ContextUseCommand : Verb
{
    private readonly Argument<string> _name = new("name") { Description = "Which server, or the beginning of its name" };

    public ContextUseCommand(Surroundings here)
        : base(here, "use", "Send commands to this server from now on")
    {
        Add(_name);
    }

    public override IReadOnlyList<Example> Examples => [new("context use local", "The server of this machine")];

    protected override Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var store = new ContextStore(call.Here);
        var (name, _) = store.Find(call.Get(_name));
        store.Write(store.Read() with { Current = name });
        call.Report.Line($"Commands now go to '{name}'.");
        return Task.FromResult(ExitCodes.Ok);
    }
}
