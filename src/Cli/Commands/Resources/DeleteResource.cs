using System.CommandLine;

namespace Berth.Cli.Commands.Resources;

internal sealed class DeleteResource<T> : Verb
{
    private readonly Resource<T> _resource;
    private readonly Argument<string> _name;

    public DeleteResource(Surroundings here, Resource<T> resource)
        : base(here, "delete", $"Delete a {resource.Noun}")
    {
        _resource = resource;
        _name = ResourceName.Argument(resource.Noun);
        Add(_name);
    }

    public override IReadOnlyList<Example> Examples => _resource.ExamplesOf("delete");

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var item = _resource.Pick(await _resource.ListAsync(server, ct), call.Get(_name)!);
        var name = _resource.NamesOf(item)[0];
        call.Questions.ConfirmOrStop($"Delete the {_resource.Noun} '{name}'?",
            $"Deleting the {_resource.Noun} '{name}' cannot be undone. Without a terminal to ask on, say so with -y.");
        await server.Client.DeleteAsync(_resource.PathOf(item), ct);
        call.Report.Line($"Deleted the {_resource.Noun} '{name}'.");
        return ExitCodes.Ok;
    }
}
