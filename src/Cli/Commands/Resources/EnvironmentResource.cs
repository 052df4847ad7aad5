using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Contracts.Environments;
using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Resources;

internal sealed class EnvironmentResource : Resource<EnvironmentView>
{
    public override string Noun => "environment";

    public override string Meaning => "images, and how they are started";

    public override JsonTypeInfo<EnvironmentView> Type => BerthJson.Default.EnvironmentView;

    public override JsonTypeInfo<List<EnvironmentView>> ListType => BerthJson.Default.ListEnvironmentView;

    public override IReadOnlyList<Column<EnvironmentView>> Columns { get; } =
    [
        new("name", item => item.Name),
        new("image", item => item.ContainerImage),
        new("opens", item => item.DefaultUrl),
        new("port", item => $"{item.Port}"),
        new("description", item => item.Description, false),
        new("id", item => item.Id, false),
        new("uid", item => $"{item.Uid}", false),
        new("gid", item => $"{item.Gid}", false),
        new("working_directory", item => item.WorkingDirectory, false),
        new("mount_directory", item => item.MountDirectory, false),
        new("command", item => item.Command is { } command ? string.Join(' ', command) : null, false),
        new("args", item => item.Args is { } args ? string.Join(' ', args) : null, false),
        new("archived", item => item.IsArchived ? "yes" : null, false),
    ];

    public override string[] NamesOf(EnvironmentView item) => [item.Name, item.Id];

    public override Task<IReadOnlyList<EnvironmentView>> ListAsync(Server server, CancellationToken ct) =>
        server.Client.ListEnvironmentsAsync(ct);

    public override string PathOf(EnvironmentView item) => "api/data/environments/" + item.Id;

    public override Task<string> PrepareAsync(Call call, Server server, JsonObject body, CancellationToken ct) => body["container_image"] is null
        ? throw CliException.Usage("An environment starts an image: say which with --image.")
        : Task.FromResult("api/data/environments");

    public override IReadOnlyList<Field> Fields(bool create) =>
    [
        Field.Text("--image", "container_image", "Image that it starts", "IMAGE"),
        Field.Text("--description", "description", "What it is for"),
        Field.Text("--default-url", "default_url", "Path that opens first (/lab)", "PATH"),
        Field.Whole("--port", "port", "Port that its front end listens on (8080)", 1, 65399, "PORT"),
        Field.Whole("--uid", "uid", "User id in it (1000)", 1, 65535),
        Field.Whole("--gid", "gid", "Group id in it (1000)", 1, 65535),
        Field.Text("--working-directory", "working_directory", "Folder that it starts in; the image's when left out", "PATH"),
        Field.Text("--mount-directory", "mount_directory", "Folder of the workspace (/work)", "PATH"),
        Field.Texts("--command", "command", "Replaces the image's entrypoint; one word each, repeatable", "WORD"),
        Field.Texts("--args", "args", "Replaces the image's arguments; one word each, repeatable", "WORD"),
        Field.Switch("--archived", "is_archived", "Keep it out of lists"),
    ];

    public override IReadOnlyList<Example> ExamplesOf(string verb) => verb switch
    {
        "create" => [new("environment create R --image rocker/rstudio --port 8787 --default-url /", "For all users; admins only")],
        "edit" => [new("environment edit R --image rocker/rstudio:4.5", "What is left out stays as it is")],
        "show" => [new("environment show jupyter -o yaml", "As the API has it")],
        "delete" => [new("environment delete R", "Launchers that use it must be gone first")],
        _ => [new("environment list", "What `berth session start --environment` can name")],
    };
}
