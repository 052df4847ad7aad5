namespace Berth.Cli.Commands.Resources;

/// <summary>A noun with its five verbs.</summary>
internal static class ResourceGroup
{
    public static Group Of<T>(Surroundings here, Resource<T> resource) => new(
        resource.Noun,
        $"{char.ToUpperInvariant(resource.Plural[0])}{resource.Plural[1..]}: {resource.Meaning}",
        new ListResource<T>(here, resource),
        new ShowResource<T>(here, resource),
        new CreateResource<T>(here, resource),
        new EditResource<T>(here, resource),
        new DeleteResource<T>(here, resource));
}
