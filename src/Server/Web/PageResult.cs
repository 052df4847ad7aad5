using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Web;

/// <summary>Pages as results of handlers.</summary>
public static class Pages
{
    /// <summary>A page or a fragment of one, with its parameters by name.</summary>
    public static RazorComponentResult<TPage> Show<TPage>(params ReadOnlySpan<(string Name, object? Value)> parameters)
        where TPage : IComponent => Show<TPage>(StatusCodes.Status200OK, parameters);

    public static RazorComponentResult<TPage> Show<TPage>(int status, params ReadOnlySpan<(string Name, object? Value)> parameters)
        where TPage : IComponent
    {
        var all = new Dictionary<string, object?>();
        foreach (var (name, value) in parameters)
            all[name] = value;
        return new RazorComponentResult<TPage>(all) { StatusCode = status };
    }

    /// <summary>After a post: the browser asks for the next page. For htmx there is nothing to swap.</summary>
    public static IResult After(HttpContext context, string location) => context.IsHtmx() ? TypedResults.NoContent() : new SeeOther(location);

    /// <summary>303, so that a reload does not post again.</summary>
    private sealed class SeeOther(string location) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = location;
            return Task.CompletedTask;
        }
    }
}
