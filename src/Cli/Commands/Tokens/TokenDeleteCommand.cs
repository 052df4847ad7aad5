using System.CommandLine;
using Berth.Cli.Output;

namespace Berth.Cli.Commands.Tokens;

internal sealed class TokenDeleteCommand : Verb
{
    private readonly Argument<string> _name = new("name") { Description = "Name or id of the token, or the beginning of it" };

    public TokenDeleteCommand(Surroundings here)
        : base(here, "delete", "Revoke an API token: it works no more from now on")
    {
        Add(_name);
    }

    public override IReadOnlyList<Example> Examples => [new("token delete laptop", "Whoever uses it must sign in again")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var token = Names.Pick(call.Get(_name)!, await server.Client.ListTokensAsync(ct), candidate => [candidate.Name, candidate.Id], "token", "berth token list");
        await server.Client.DeleteTokenAsync(token.Id, ct);
        call.Report.Line($"The token '{token.Name}' works no more.");
        return ExitCodes.Ok;
    }
}
