using Berth.Contracts.Problems;
using Berth.Contracts.Users;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Tokens;

public static class TokenPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/tokens", ShowAsync);
        pages.MapPost("/tokens", CreateAsync);
        pages.MapPost("/tokens/{id}/delete", DeleteAsync);
    }

    private static Task<IResult> ShowAsync(Caller caller, ApiTokens tokens, CancellationToken ct) =>
        PageAsync(200, PageForm.Empty, null, caller, tokens, ct);

    // The answer to the post itself shows the secret: after a redirect it would have to be kept somewhere.
    private static async Task<IResult> CreateAsync(PageForm form, Caller caller, ApiTokens tokens, CancellationToken ct)
    {
        try
        {
            var created = await tokens.CreateAsync(caller, new TokenRequest(form.Raw("name"), form.Int("expires_in_days"), form.Text("scope")), ct);
            return await PageAsync(200, PageForm.Empty, created, caller, tokens, ct);
        }
        catch (ProblemException problem)
        {
            return await PageAsync(problem.Code.Status(), form.Refused(problem), null, caller, tokens, ct);
        }
    }

    private static async Task<IResult> DeleteAsync(
        string id, PageForm form, Caller caller, ApiTokens tokens, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        await tokens.RevokeAsync(caller, id, ct);
        toasts.Show(context, new Toast("success", "The token is deleted and works no longer."));
        return Pages.After(context, "/tokens");
    }

    private static async Task<IResult> PageAsync(
        int status, PageForm form, TokenCreated? created, Caller caller, ApiTokens tokens, CancellationToken ct) =>
        Pages.Show<TokensPage>(
            status,
            (nameof(TokensPage.Form), form),
            (nameof(TokensPage.Created), created),
            (nameof(TokensPage.Tokens), await tokens.ListAsync(caller, ct)));
}
