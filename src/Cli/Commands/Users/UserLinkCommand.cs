using System.CommandLine;
using Berth.Cli.Output;
using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Users;

internal sealed class UserLinkCommand : Verb
{
    private readonly Argument<string> _name = new("name") { Description = "Name or id of the user, or the beginning of it" };

    public UserLinkCommand(Surroundings here)
        : base(here, "link", "Make a link that lets a user in once; a password that they had works no more")
    {
        Add(_name);
    }

    public override IReadOnlyList<Example> Examples => [new("user link ada", "For who is new, or has lost the password")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var users = new UserResource();
        var user = users.Pick(await users.ListAsync(server, ct), call.Get(_name)!);
        call.Questions.ConfirmOrStop(
            $"Sign '{user.Username}' out everywhere and take their password away?",
            "A link replaces the user's password and sign-ins. Without a terminal to ask on, say so with -y.");
        var link = await server.Client.ResetUserAsync(user.Id, ct);
        call.Report.Line($"Give this to '{user.Username}' and to nobody else. It works once, until {link.ExpiresAt:yyyy-MM-dd HH:mm} UTC.");
        if (call.Results.Format is OutputFormat.Table)
            call.Here.Out.WriteLine(link.Url);
        else
            call.Results.One(link, BerthJson.Default.SignInLink, [], made => made.Url);
        return ExitCodes.Ok;
    }
}
