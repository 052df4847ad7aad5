using Berth.Cli.Output;

namespace Berth.Cli.Commands.Resources;

internal sealed class ListResource<T>(Surroundings here, Resource<T> resource)
    : Verb(here, "list", $"List the {resource.Plural} that you may see")
{
    public override IReadOnlyList<Example> Examples => resource.ExamplesOf("list");

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var items = await resource.ListAsync(await call.ConnectAsync(ct), ct);
        call.Results.List(items, resource.ListType, resource.Columns, item => resource.NamesOf(item)[0]);
        if (items.Count == 0 && call.Results.Format == OutputFormat.Table)
            call.Report.Line($"There is no {resource.Noun} that you may see. Make one with `berth {resource.Noun} create`.");
        return ExitCodes.Ok;
    }
}
