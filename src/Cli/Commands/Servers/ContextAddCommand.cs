using System.CommandLine;
using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Servers;

internal sealed class ContextAddCommand : Verb
{
    private readonly Argument<string> _name = new("name") { Description = "What to call it here" };
    private readonly Argument<string> _url = new("url") { Description = "Address of the server" };
    private readonly SignInFlags _signIn = new();

    public ContextAddCommand(Surroundings here)
        : base(here, "add", "Sign in to another server, and stay with the one in use")
    {
        Add(_name);
        Add(_url);
        Add(_signIn.TokenFile);
        Add(_signIn.Ca);
    }

    public override IReadOnlyList<Example> Examples => [new("context add lab https://berth.example.org", "Then: berth --context lab session list")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var name = ContextName.Check(call.Get(_name)!);
        var signedIn = await _signIn.VerifyAsync(call, call.Get(_url)!, ct);
        var store = new ContextStore(call.Here);
        var all = store.Read();
        all.Contexts[name] = signedIn;
        store.Write(all);
        call.Report.Line($"Signed in to {signedIn.Url} as {signedIn.Username}. Use it with `berth context use {name}`, or once with `--context {name}`.");
        return ExitCodes.Ok;
    }
}
