using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Berth.Cli.Commands.Resources;
using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Users;

namespace Berth.Cli.Commands.Users;

internal sealed class UserResource : Resource<UserView>
{
    public override string Noun => "user";

    public override string Meaning => "who may sign in, and what they may hold (for admins)";

    public override JsonTypeInfo<UserView> Type => BerthJson.Default.UserView;

    public override JsonTypeInfo<List<UserView>> ListType => BerthJson.Default.ListUserView;

    public override IReadOnlyList<Column<UserView>> Columns { get; } =
    [
        new("name", user => user.Username),
        new("person", user => $"{user.FirstName} {user.LastName}".Trim()),
        new("admin", user => user.IsAdmin ? "yes" : null),
        new("disabled", user => user.Disabled ? "yes" : null),
        new("quota", user => user.Quota is null ? "default" : QuotaField.Words(user.Quota)),
        new("email", user => user.Email, false),
        new("id", user => user.Id, false),
    ];

    public override bool CanBeRenamed => false;

    public override string[] NamesOf(UserView item) => [item.Username, item.Id];

    public override Task<IReadOnlyList<UserView>> ListAsync(Server server, CancellationToken ct) => server.Client.ListUsersAsync(ct);

    public override string PathOf(UserView item) => $"api/data/users/{item.Id}";

    public override IReadOnlyList<Field> Fields(bool create)
    {
        List<Field> fields =
        [
            Field.Text("--first-name", "first_name", "First name"),
            Field.Text("--last-name", "last_name", "Last name"),
            Field.Text("--email", "email", "Address"),
            Field.Switch("--admin", "is_admin", "Keeps users, pools and global environments; --admin=false takes it back"),
            .. QuotaField.All("quota-", OwnQuota),
        ];
        if (!create)
        {
            fields.Add(Field.Switch("--disabled", "disabled", "May not sign in; --disabled=false lets them in again"));
            var standard = Flags.Switch("--default-quota", "No quota of their own any more, but the default");
            fields.Add(new Field(standard, (_, _, body, _) =>
            {
                body["quota"] = null;
                return Task.CompletedTask;
            }));
        }

        return fields;
    }

    public override Task<string> PrepareAsync(Call call, Server server, JsonObject body, CancellationToken ct)
    {
        body["username"] = body["name"]!.DeepClone();
        body.Remove("name");
        return Task.FromResult("api/data/users");
    }

    public override string NameIn(JsonNode answer) => answer["username"]!.GetValue<string>();

    public override IReadOnlyList<Example> ExamplesOf(string verb) => verb switch
    {
        "create" => [new("user create ada --first-name Ada", "Then let her in: `berth user link ada`"), new("user create bob --quota-sessions 2 --quota-gpu 1", "With a quota of his own")],
        "edit" => [new("user edit ada --quota-cpu 16 --quota-memory none", "A quota of her own"), new("user edit ada --disabled", "Signed out everywhere; what she has is kept")],
        "show" => [new("user show ada", "With e-mail and id")],
        _ => [new("user list", "Everybody, with what they may hold")],
    };

    private static JsonObject OwnQuota(JsonObject body)
    {
        if (body["quota"] is not JsonObject quota)
            body["quota"] = quota = [];
        return quota;
    }
}
