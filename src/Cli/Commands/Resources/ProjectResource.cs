using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Contracts.Json;
using Berth.Contracts.Projects;

namespace Berth.Cli.Commands.Resources;

internal sealed class ProjectResource : Resource<ProjectView>
{
    public override string Noun => "project";

    public override string Meaning => "what launchers, repositories and members belong to";

    public override JsonTypeInfo<ProjectView> Type => BerthJson.Default.ProjectView;

    public override JsonTypeInfo<List<ProjectView>> ListType => BerthJson.Default.ListProjectView;

    public override IReadOnlyList<Column<ProjectView>> Columns { get; } =
    [
        new("path", item => $"{item.Namespace}/{item.Slug}"),
        new("name", item => item.Name),
        new("role", item => item.Role),
        new("visibility", item => item.Visibility),
        new("description", item => item.Description, false),
        new("repositories", item => string.Join(", ", item.Repositories), false),
        new("keywords", item => string.Join(", ", item.Keywords), false),
        new("personal", item => item.Personal ? "yes" : null, false),
        new("id", item => item.Id, false),
    ];

    public override string[] NamesOf(ProjectView item) => [$"{item.Namespace}/{item.Slug}", item.Name, item.Slug, item.Id];

    public override Task<IReadOnlyList<ProjectView>> ListAsync(Server server, CancellationToken ct) => server.Client.ListProjectsAsync(ct);

    public override string PathOf(ProjectView item) => "api/data/projects/" + item.Id;

    public override Task<string> PrepareAsync(Call call, Server server, JsonObject body, CancellationToken ct) =>
        Task.FromResult("api/data/projects");

    public override IReadOnlyList<Field> Fields(bool create)
    {
        List<Field> fields =
        [
            Field.Text("--description", "description", "What it is for"),
            Field.Texts("--repo", "repositories", "Repository that is cloned into every session; repeatable", "URL"),
            Field.OneOf("--visibility", "visibility", "private, or public: readable by every user", "private", "public"),
            Field.Texts("--keyword", "keywords", "For search; repeatable", "WORD"),
        ];
        if (create)
            fields.Add(Field.Text("--slug", "slug", "Its name in paths; made from the name when left out", "SLUG"));
        return fields;
    }

    public override string? EtagOf(ProjectView item) => item.Etag;

    public override string NameIn(JsonNode answer) => $"{answer["namespace"]}/{answer["slug"]}";

    public override IReadOnlyList<Example> ExamplesOf(string verb) => verb switch
    {
        "create" => [new("project create \"Ice cores\" --repo https://example.org/ice/code.git", "Its launchers' sessions find the code")],
        "edit" => [new("project edit ice-cores --visibility public", "Every signed-in user may read it")],
        "show" => [new("project show ice-cores", "Its repositories too")],
        "delete" => [new("project delete ice-cores", "With its launchers")],
        _ => [new("project list -c path,role,repositories", "Choose the columns")],
    };
}
