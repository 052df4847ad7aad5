using System.CommandLine;
using Berth.Cli.Servers;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Servers;

internal sealed class LoginCommand : Verb
{
    private readonly Argument<string> _url = new("url") { Description = "Address of the server" };
    private readonly Flag<string?> _name = new("--name", "What to call it here; its host when left out") { HelpName = "NAME", Personal = true };
    private readonly SignInFlags _signIn = new();

    public LoginCommand(Surroundings here)
        : base(here, "login", "Sign in to a server with an API token, and use it from now on")
    {
        Add(_url);
        Add(_name);
        Add(_signIn.TokenFile);
        Add(_signIn.Ca);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("login https://berth.example.org", "Asks for the token"),
        new("login https://berth.example.org --token-file token.txt --name lab", "Unasked, under another name"),
        new("login https://berth.example.org --ca site.pem", "Signed by an authority of the site's own"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var url = call.Get(_url)!;
        var name = ContextName.Check(call.Get(_name) ?? SignInFlags.NameOf(url));
        var signedIn = await _signIn.VerifyAsync(call, url, ct);
        var store = new ContextStore(call.Here);
        var all = store.Read();
        all.Contexts[name] = signedIn;
        store.Write(all with { Current = name });
        call.Report.Line($"Signed in to {signedIn.Url} as {signedIn.Username}; commands now go there. Back to this machine: `berth context use {ContextStore.Local}`.");
        return ExitCodes.Ok;
    }
}
