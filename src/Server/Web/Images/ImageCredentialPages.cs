using Berth.Contracts.Images;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Images;
using Berth.Server.Problems;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Images;

public static class ImageCredentialPages
{
    private const string Address = "/image-credentials";

    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet(Address, ShowAsync);
        pages.MapPost(Address, SetAsync);
        pages.MapPost("/image-credentials/{host}/delete", DeleteAsync);
    }

    private static Task<IResult> ShowAsync(Caller caller, ImageCredentials credentials, CancellationToken ct) =>
        PageAsync(200, PageForm.Empty, caller, credentials, ct);

    private static async Task<IResult> SetAsync(
        PageForm form, Caller caller, ImageCredentials credentials, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            var kept = await credentials.SetAsync(
                caller.UserId, form.Raw("host"), new ImageCredentialRequest(form.Raw("username"), form.Raw("password")), ct);
            toasts.Show(context, kept.Warning is { } warning ? new Toast("warning", warning) : new Toast("success", $"{kept.Host} takes them, and they are kept."));
            return Pages.After(context, Address);
        }
        catch (ProblemException problem)
        {
            return await PageAsync(problem.Code.Status(), form.Refused(problem), caller, credentials, ct);
        }
    }

    private static async Task<IResult> DeleteAsync(
        string host, PageForm form, Caller caller, ImageCredentials credentials, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        await credentials.DeleteAsync(caller.UserId, host, ct);
        toasts.Show(context, new Toast("success", $"The credentials for {host} are deleted."));
        return Pages.After(context, Address);
    }

    private static async Task<IResult> PageAsync(int status, PageForm form, Caller caller, ImageCredentials credentials, CancellationToken ct) =>
        Pages.Show<ImageCredentialsPage>(
            status,
            (nameof(ImageCredentialsPage.Form), form),
            (nameof(ImageCredentialsPage.Credentials), await credentials.ListAsync(caller.UserId, ct)));
}
