using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Tokens;

internal sealed class TokenListCommand(Surroundings here) : Verb(here, "list", "List your API tokens, without their secrets")
{
    public override IReadOnlyList<Example> Examples => [new("token list", "When each expires and was last used")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var tokens = await (await call.ConnectAsync(ct)).Client.ListTokensAsync(ct);
        call.Results.List(tokens, BerthJson.Default.ListTokenView, TokenColumns.Of(call.Here.Time), token => token.Name);
        if (tokens.Count == 0)
            call.Report.Line("You have no API token. Make one with `berth token create NAME`.");
        return ExitCodes.Ok;
    }
}
