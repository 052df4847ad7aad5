using Berth.Server.Web.Account;
using Berth.Server.Web.Environments;
using Berth.Server.Web.Errors;
using Berth.Server.Web.Images;
using Berth.Server.Web.Launchers;
using Berth.Server.Web.Nodes;
using Berth.Server.Web.Pools;
using Berth.Server.Web.Projects;
using Berth.Server.Web.Sessions;
using Berth.Server.Web.SignIn;
using Berth.Server.Web.Tokens;
using Berth.Server.Web.Users;

namespace Berth.Server.Web;

/// <summary>The pages: Razor components rendered on the server; htmx fetches parts of them again when something changes.</summary>
public static class PagesRoom
{
    public static IServiceCollection AddPages(this IServiceCollection services)
    {
        services.AddRazorComponents();
        services.AddSingleton<PageAssets>();
        services.AddSingleton<Toasts>();
        services.AddSingleton<Choices>();
        return services;
    }

    public static IEndpointRouteBuilder MapPages(this IEndpointRouteBuilder routes)
    {
        PageAssets.Map(routes);
        ProblemPages.Map(routes);
        var pages = routes.MapGroup("").AddEndpointFilter(KeepNothingAsync).ExcludeFromDescription();
        SignInPages.Map(pages);
        SessionPages.Map(pages);
        TerminalPages.Map(pages);
        AllSessionPages.Map(pages);
        LauncherPages.Map(pages);
        EnvironmentPages.Map(pages);
        ProjectPages.Map(pages);
        PoolPages.Map(pages);
        NodePages.Map(pages);
        UserPages.Map(pages);
        AccountPages.Map(pages);
        TokenPages.Map(pages);
        ImageCredentialPages.Map(pages);
        return routes;
    }

    // What a page shows is one user's and of this moment: nothing may keep it.
    private static ValueTask<object?> KeepNothingAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        invocation.HttpContext.Response.Headers.CacheControl = "no-cache, no-store";
        return next(invocation);
    }
}
