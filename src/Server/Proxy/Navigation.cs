using Microsoft.AspNetCore.Http.Features;

namespace Berth.Server.Proxy;

/// <summary>Tells a person who opens a page from a program, or a page's script, that fetches something.</summary>
public static class Navigation
{
    /// <summary>Whether the answer is for a person's eyes. Browsers say so; older ones at least ask for HTML.</summary>
    public static bool WantsPage(HttpRequest request) => request.Headers["Sec-Fetch-Mode"] switch
    {
        [{ Length: > 0 } mode] => mode == "navigate",
        _ => request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase),
    };

    /// <summary>Path and query as they were sent; <c>/</c> where that is no path to come back to.</summary>
    public static string Target(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return LocalPath.IsValid(target) ? target : "/";
    }
}
