using System.CommandLine;
using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Resources;

internal sealed class EditResource<T> : Verb
{
    private readonly Resource<T> _resource;
    private readonly IReadOnlyList<Field> _fields;
    private readonly Argument<string> _name;
    private readonly Flag<string?> _file = ResourceFile.Flag();

    public EditResource(Surroundings here, Resource<T> resource)
        : base(here, "edit", $"Change what is said of a {resource.Noun}, and leave the rest")
    {
        _resource = resource;
        _name = ResourceName.Argument(resource.Noun);
        _fields = [.. resource.CanBeRenamed ? (Field[])[Field.Text("--name", "name", "New name", "NAME")] : [], .. resource.Fields(create: false)];
        Add(_name);
        foreach (var field in _fields)
            Add(field.Flag);
        Add(_file);
    }

    public override IReadOnlyList<Example> Examples => _resource.ExamplesOf("edit");

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var item = _resource.Pick(await _resource.ListAsync(server, ct), call.Get(_name)!);
        var body = call.Get(_file) is { } file ? ResourceFile.Read(call.Here, file) : [];
        foreach (var field in _fields.Where(field => call.Has(field.Flag)))
            await field.PutAsync(call, server, body, ct);
        if (body.Count == 0)
            throw CliException.Usage($"Nothing to change was said. See `berth {_resource.Noun} edit --help`.");
        var answer = await server.Client.SendJsonAsync(HttpMethod.Patch, _resource.PathOf(item), body, ct, _resource.EtagOf(item));
        var name = _resource.NameIn(JsonNode.Parse(answer.GetRawText())!);
        call.Report.Line($"Changed the {_resource.Noun} '{name}'.");
        if (call.Results.Format != OutputFormat.Table)
        {
            var now = (await _resource.ListAsync(server, ct)).First(candidate => _resource.NamesOf(candidate)[^1] == _resource.NamesOf(item)[^1]);
            call.Results.One(now, _resource.Type, _resource.Columns, changed => _resource.NamesOf(changed)[0]);
        }
        return ExitCodes.Ok;
    }
}
