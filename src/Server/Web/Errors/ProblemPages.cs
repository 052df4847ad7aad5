using Berth.Contracts.Problems;
using Berth.Server.Problems;

namespace Berth.Server.Web.Errors;

/// <summary>What a browser gets in place of a page that was refused, is not there, or failed.</summary>
public static class ProblemPages
{
    // Not in the group of the other pages: its filter would end a request whose status is an error's already.
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet(ProblemHandler.ProblemPage, Show).ExcludeFromDescription();

    private static IResult Show(HttpContext context)
    {
        var problem = context.Items[typeof(ProblemDetail)] as ProblemDetail
            ?? new ProblemDetail(1404, "There is no such page.", ProblemCode.NotFound);
        if (problem.Kind == ProblemCode.SignInNeeded)
            return Results.Redirect("/sign-in");
        context.Response.Headers.CacheControl = "no-cache, no-store";
        var status = problem.Code - 1000;
        return Pages.Show<ErrorPage>(
            status,
            (nameof(ErrorPage.Status), status),
            (nameof(ErrorPage.Message), problem.Message),
            (nameof(ErrorPage.TraceId), problem.Kind == ProblemCode.Internal ? problem.TraceId : null));
    }
}
