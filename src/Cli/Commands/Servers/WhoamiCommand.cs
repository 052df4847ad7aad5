using Berth.Cli.Output;
using Berth.Contracts.Json;
using Berth.Contracts.Users;

namespace Berth.Cli.Commands.Servers;

internal sealed class WhoamiCommand(Surroundings here) : Verb(here, "whoami", "Say who you are, and to which server")
{
    public override IReadOnlyList<Example> Examples => [new("whoami -o name", "The user name alone")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        IReadOnlyList<Column<UserView>> columns =
        [
            new("username", user => user.Username),
            new("name", user => $"{user.FirstName} {user.LastName}".Trim()),
            new("email", user => user.Email),
            new("admin", user => user.IsAdmin ? "yes" : "no"),
            new("server", _ => server.Context),
        ];
        call.Results.One(await server.Client.WhoAmIAsync(ct), BerthJson.Default.UserView, columns, user => user.Username);
        return ExitCodes.Ok;
    }
}
