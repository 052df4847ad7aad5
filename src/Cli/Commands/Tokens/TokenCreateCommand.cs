using System.CommandLine;
using Berth.Cli.Output;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Users;

namespace Berth.Cli.Commands.Tokens;

internal sealed class TokenCreateCommand : Verb
{
    private readonly Argument<string> _name = new("name") { Description = "For you to tell your tokens apart" };
    private readonly Flag<int?> _days = Flags.Whole("--days", "Days until it expires (90)", "N", 1, 366);
    private readonly Flag<string?> _scope = Flags.OneOf(
        "--scope", "What it may be used for: everything, sessions of your own, or reading alone (all)", ["all", "sessions", "read"]);

    public TokenCreateCommand(Surroundings here)
        : base(here, "create", "Make an API token; its secret is printed this once")
    {
        Add(_name);
        Add(_days);
        Add(_scope);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("token create laptop > token.txt", "The secret alone goes to stdout"),
        new("token create ci --days 30 --scope sessions", "A short one, which can start and manage your sessions, and nothing else"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var created = await server.Client.CreateTokenAsync(new TokenRequest(call.Get(_name)!, call.Get(_days), call.Get(_scope)), ct);
        call.Report.Line($"Made the token '{created.Token.Name}', which expires {Ages.Until(created.Token.ExpiresAt, call.Here.Time.GetUtcNow())}. "
            + "Keep its secret: it is not shown again.");
        if (call.Results.Format is OutputFormat.Table)
            call.Here.Out.WriteLine(created.Secret);
        else
            call.Results.One(created, BerthJson.Default.TokenCreated, [], token => token.Token.Name);
        return ExitCodes.Ok;
    }
}
