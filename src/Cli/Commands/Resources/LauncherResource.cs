using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Berth.Cli.Commands.Sessions;
using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Json;
using Berth.Contracts.Launchers;

namespace Berth.Cli.Commands.Resources;

internal sealed class LauncherResource : Resource<LauncherView>
{
    public override string Noun => "launcher";

    public override string Meaning => "what the members of a project start";

    public override JsonTypeInfo<LauncherView> Type => BerthJson.Default.LauncherView;

    public override JsonTypeInfo<List<LauncherView>> ListType => BerthJson.Default.ListLauncherView;

    public override IReadOnlyList<Column<LauncherView>> Columns { get; } =
    [
        new("name", item => item.Name),
        new("environment", item => item.Environment.EnvironmentKind == "GLOBAL" ? item.Environment.Name : "its own"),
        new("image", item => item.Environment.ContainerImage),
        new("description", item => item.Description, false),
        new("class", item => $"{item.ResourceClassId}", false),
        new("disk", item => item.DiskStorage is { } disk ? $"{disk} GB" : null, false),
        new("variables", item => string.Join(", ", item.EnvVariables.Select(variable => variable.Name)), false),
        new("project", item => item.ProjectId, false),
        new("id", item => item.Id, false),
    ];

    public override string[] NamesOf(LauncherView item) => [item.Name, item.Id];

    public override Task<IReadOnlyList<LauncherView>> ListAsync(Server server, CancellationToken ct) => server.Client.ListLaunchersAsync(ct);

    public override string PathOf(LauncherView item) => "api/data/session_launchers/" + item.Id;

    public override IReadOnlyList<Field> Fields(bool create)
    {
        var environment = new Flag<string?>("--environment", "Environment that it starts") { HelpName = "NAME", Group = "source" };
        var image = new Flag<string?>("--image", "Any image, as an environment of its own") { HelpName = "IMAGE", Group = "source" };
        var env = Flags.Texts("--env", "A variable of its sessions; repeatable", "K=V", "-E");
        List<Field> fields =
        [
            Field.LookedUp(environment, "environment",
                async (server, name, ct) => new JsonObject { ["id"] = (await StartChoices.EnvironmentAsync(server, name, ct)).Id }),
            new(image, (call, _, body, _) =>
            {
                Own(body)["container_image"] = call.Get(image);
                return Task.CompletedTask;
            }),
            Inner(Field.Text("--default-url", "default_url", "With --image: path that opens first (/lab)", "PATH")),
            Inner(Field.Whole("--port", "port", "With --image: port of its front end (8080)", 1, 65399, "PORT")),
            Inner(Field.Texts("--command", "command", "With --image: replaces its entrypoint; repeatable", "WORD")),
            Inner(Field.Texts("--args", "args", "With --image: replaces its arguments; repeatable", "WORD")),
            Field.Text("--description", "description", "What it is for"),
            Field.LookedUp(Flags.Text("--class", "Resource class of its sessions", "NAME"), "resource_class_id",
                async (server, name, ct) => JsonValue.Create((await StartChoices.ClassAsync(server, name, null, ct)).Id)),
            Field.Gigabytes("--disk", "disk_storage", "Disk of its sessions: 10G"),
            new(env, (call, _, body, _) =>
            {
                body["env_variables"] = new JsonArray([.. (call.Get(env) ?? []).Select(Variable)]);
                return Task.CompletedTask;
            }),
        ];
        if (create)
            fields.Insert(0, Field.LookedUp(Flags.Text("--project", "Project that it belongs to; yours when left out", "NAME"), "project_id",
                async (server, name, ct) => JsonValue.Create(await StartChoices.ProjectAsync(server, name, ct))));
        return fields;
    }

    public override async Task<string> PrepareAsync(Call call, Server server, JsonObject body, CancellationToken ct)
    {
        if (body["environment"] is not JsonObject environment || (environment["id"] is null && environment["container_image"] is null))
            throw CliException.Usage("A launcher starts something: say what with --environment or --image.");
        if (environment["id"] is null)
            environment["name"] ??= body["name"]!.GetValue<string>();
        if (body["project_id"] is null)
            body["project_id"] = (await server.Client.ListProjectsAsync(ct)).FirstOrDefault(project => project.Personal)?.Id
                ?? throw CliException.Usage("A launcher belongs to a project: say which with --project.");
        return "api/data/session_launchers";
    }

    public override IReadOnlyList<Example> ExamplesOf(string verb) => verb switch
    {
        "create" =>
        [
            new("launcher create analysis --project ice-cores --environment jupyter --class large", "From an environment"),
            new("launcher create docs --image nginx --port 80 --default-url /", "From any image, in your own project"),
        ],
        "edit" => [new("launcher edit analysis --env STAGE=test", "The variables are replaced as a whole")],
        "show" => [new("launcher show analysis", "Its class, disk and variables too")],
        "delete" => [new("launcher delete analysis", "Its sessions must have ended")],
        _ => [new("launcher list", "What `berth session start --launcher` can name")],
    };

    private static JsonObject Own(JsonObject body)
    {
        if (body["environment"] is not JsonObject own)
            body["environment"] = own = [];
        return own;
    }

    /// <summary>A field of the launcher's own environment.</summary>
    private static Field Inner(Field field) => field with
    {
        PutAsync = (call, server, body, ct) => field.PutAsync(call, server, Own(body), ct),
    };

    private static JsonNode Variable(string pair)
    {
        var at = pair.IndexOf('=');
        return at > 0
            ? new JsonObject { ["name"] = pair[..at], ["value"] = pair[(at + 1)..] }
            : new JsonObject { ["name"] = pair, ["value"] = null };
    }
}
