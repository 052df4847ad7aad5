using System.CommandLine;

namespace Berth.Cli.Commands.Resources;

internal sealed class ShowResource<T> : Verb
{
    private readonly Resource<T> _resource;
    private readonly Argument<string> _name;

    public ShowResource(Surroundings here, Resource<T> resource)
        : base(here, "show", $"Show one {resource.Noun}")
    {
        _resource = resource;
        _name = ResourceName.Argument(resource.Noun);
        Add(_name);
    }

    public override IReadOnlyList<Example> Examples => _resource.ExamplesOf("show");

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var items = await _resource.ListAsync(await call.ConnectAsync(ct), ct);
        call.Results.One(_resource.Pick(items, call.Get(_name)!), _resource.Type, _resource.Columns, item => _resource.NamesOf(item)[0]);
        return ExitCodes.Ok;
    }
}
