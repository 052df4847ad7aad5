using Berth.Contracts.Images;
using Berth.Providers.Docker;
using Berth.Server.Auth;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Images;

public static class ImagesRoom
{
    public static IServiceCollection AddImages(this IServiceCollection services) =>
        services.AddSingleton<RegistryClient>().AddSingleton<ImageCredentials>();

    public static IEndpointRouteBuilder MapImages(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/berth").WithTags("images");
        api.MapGet("/image_credentials", ListAsync).WithSummary("The caller's credentials for registries of images, without passwords");
        api.MapPut("/image_credentials/{host}", SetAsync).WithSummary("Keep credentials for a registry, once it has taken them");
        api.MapDelete("/image_credentials/{host}", DeleteAsync).WithSummary("Forget credentials for a registry");
        api.MapGet("/shared_image_credentials", ListSharedAsync).WithSummary("The installation's credentials, for global environments (admins)");
        api.MapPut("/shared_image_credentials/{host}", SetSharedAsync).WithSummary("Keep credentials of the installation (admins)");
        api.MapDelete("/shared_image_credentials/{host}", DeleteSharedAsync).WithSummary("Forget credentials of the installation (admins)");
        return routes;
    }

    private static async Task<Ok<List<ImageCredentialView>>> ListAsync(Caller caller, ImageCredentials credentials, CancellationToken ct) =>
        TypedResults.Ok(await credentials.ListAsync(caller.UserId, ct));

    private static async Task<Ok<ImageCredentialView>> SetAsync(
        string host, ImageCredentialRequest request, Caller caller, ImageCredentials credentials, CancellationToken ct) =>
        TypedResults.Ok(await credentials.SetAsync(caller.UserId, host, request, ct));

    private static async Task<NoContent> DeleteAsync(string host, Caller caller, ImageCredentials credentials, CancellationToken ct)
    {
        await credentials.DeleteAsync(caller.UserId, host, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<List<ImageCredentialView>>> ListSharedAsync(ImageCredentials credentials, CancellationToken ct) =>
        TypedResults.Ok(await credentials.ListAsync(ImageCredentials.Installation, ct));

    private static async Task<Ok<ImageCredentialView>> SetSharedAsync(
        string host, ImageCredentialRequest request, ImageCredentials credentials, CancellationToken ct) =>
        TypedResults.Ok(await credentials.SetAsync(ImageCredentials.Installation, host, request, ct));

    private static async Task<NoContent> DeleteSharedAsync(string host, ImageCredentials credentials, CancellationToken ct)
    {
        await credentials.DeleteAsync(ImageCredentials.Installation, host, ct);
        return TypedResults.NoContent();
    }
}
