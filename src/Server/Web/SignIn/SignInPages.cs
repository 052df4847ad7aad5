using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.SignIn;

/// <summary>The page that asks who it is; what it posts is taken by <see cref="AuthApi"/>.</summary>
public static class SignInPages
{
    public static void Map(IEndpointRouteBuilder pages) => pages.MapGet("/sign-in", Show);

    private static IResult Show(string? problem, string? next, HttpContext context)
    {
        var back = AuthApi.LocalPath(next);
        if (context.FindCaller() is not null && problem is null)
            return Results.Redirect(back);
        var form = PageForm.Of(("next", back));
        if (Explain(problem) is { } words)
            form = form.Refused(new ProblemException(ProblemCode.SignInNeeded, words));
        return Pages.Show<SignInPage>((nameof(SignInPage.Form), form));
    }

    private static string? Explain(string? problem) => problem switch
    {
        null => null,
        "password" => "User name or password is wrong.",
        "wait" => "Too many wrong passwords. Wait some minutes, then try again.",
        "link" => "This link was used already or is too old. Ask for a new one.",
        "other" => "This browser is signed in as somebody else. Sign out first, then follow the link again.",
        _ => "This form was out of date, or cookies are switched off. Try again.",
    };
}
