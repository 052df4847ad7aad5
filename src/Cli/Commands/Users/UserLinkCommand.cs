using System.CommandLine;
using Berth.Cli.Output;
using Berth.Cli.Settings;
using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Users;

internal sealed class UserLinkCommand : Verb
{
    private readonly Argument<string> _name = new("name") { Description = "Name or id of the user, or the beginning of it" };

    private readonly Flag<bool> _keepTokens = Flags.Switch("--keep-tokens", "Their API tokens go on working: where the password is lost, not known to others");

    public UserLinkCommand(Surroundings here)
        : base(here, "link", "Make a link that lets a user in once; their password, browsers and API tokens let nobody in any more")
    {
        Add(_name);
        Add(_keepTokens);
    }

    public override IReadOnlyList<Example> Examples => [new("user link ada", "For who is new, or whose password is known to others"), new("user link ada --keep-tokens", "For who has only lost the password")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var users = new UserResource();
        var user = users.Pick(await users.ListAsync(server, ct), call.Get(_name)!);
        var keepTokens = call.Get(_keepTokens);
        call.Questions.ConfirmOrStop(
            $"Sign '{user.Username}' out everywhere and take their password{(keepTokens ? "" : " and API tokens")} away?",
            $"A link replaces the user's password{(keepTokens ? "" : ", API tokens")} and sign-ins. Without a terminal to ask on, say so with -y.");
        var link = await server.Client.ResetUserAsync(user.Id, ct, keepTokens);
        call.Report.Line($"Give this to '{user.Username}' and to nobody else. It works once, until {link.ExpiresAt:yyyy-MM-dd HH:mm} UTC.");
        if (call.Results.Format is OutputFormat.Table)
            call.Here.Out.WriteLine(link.Url);
        else
            call.Results.One(link, BerthJson.Default.SignInLink, [], made => made.Url);
        return ExitCodes.Ok;
    }
}
