using System.CommandLine;
using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Resources;

internal sealed class CreateResource<T> : Verb
{
    private readonly Resource<T> _resource;
    private readonly IReadOnlyList<Field> _fields;
    private readonly Argument<string?> _name = new("name") { Description = "Its name; may be left out where the file has it", Arity = ArgumentArity.ZeroOrOne };
    private readonly Flag<string?> _file = ResourceFile.Flag();

    public CreateResource(Surroundings here, Resource<T> resource)
        : base(here, "create", $"Create a {resource.Noun}")
    {
        _resource = resource;
        _fields = resource.Fields(create: true);
        Add(_name);
        foreach (var field in _fields)
            Add(field.Flag);
        Add(_file);
    }

    public override IReadOnlyList<Example> Examples => _resource.ExamplesOf("create");

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var body = call.Get(_file) is { } file ? ResourceFile.Read(call.Here, file) : [];
        if (call.Get(_name) is { } name)
            body["name"] = name;
        foreach (var field in _fields.Where(field => call.Has(field.Flag)))
            await field.PutAsync(call, server, body, ct);
        if (body["name"] is null)
            throw CliException.Usage($"How shall the {_resource.Noun} be called? `berth {_resource.Noun} create NAME …`.");
        var path = await _resource.PrepareAsync(call, server, body, ct);
        var answer = JsonNode.Parse((await server.Client.SendJsonAsync(HttpMethod.Post, path, body, ct)).GetRawText())!;
        var created = _resource.NameIn(answer);
        call.Report.Line($"Created the {_resource.Noun} '{created}'.");
        if (call.Results.Format != OutputFormat.Table)
        {
            var items = await _resource.ListAsync(server, ct);
            call.Results.One(_resource.Pick(items, created), _resource.Type, _resource.Columns, item => _resource.NamesOf(item)[0]);
        }
        return ExitCodes.Ok;
    }
}
