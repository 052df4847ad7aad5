using Microsoft.OpenApi;

namespace Berth.Server.OpenApi;

/// <summary>The API's description, and a page to try it.</summary>
public static class OpenApiRoom
{
    private const string Document = "/api/openapi.json";

    public static IServiceCollection AddDescription(this IServiceCollection services) => services.AddOpenApi(options =>
    {
        options.AddOperationTransformer<Refusals>();
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Berth",
                Version = "1",
                Description =
                    "Routes under /api/data follow Renku's public API; those under /api/berth are Berth's own. "
                    + "A refusal has the body {\"error\": {\"code\", \"message\", \"kind\", \"field\", \"trace_id\"}}; code is 1000 + the HTTP status.",
            };
            // The address that was asked is the address that answers, whatever stands before it.
            document.Servers = [new OpenApiServer { Url = "/" }];
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
            {
                ["token"] = new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.Http,
                    Scheme = "bearer",
                    Description = "An API token: `berth token create`, or POST /api/berth/tokens.",
                },
            };
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("token", document)] = [] }];
            // Pages and agents' own routes are no API.
            foreach (var path in document.Paths.Keys.Where(p => !p.StartsWith("/api/", StringComparison.Ordinal) || p.StartsWith("/api/berth/agent/", StringComparison.Ordinal)).ToList())
                document.Paths.Remove(path);
            return Task.CompletedTask;
        });
    });

    /// <summary>Swagger UI's own files: they are no endpoints, and hold nothing that is not public.</summary>
    public static IApplicationBuilder UseDescriptionPage(this IApplicationBuilder app) => app.UseSwaggerUI(ui =>
    {
        ui.RoutePrefix = "api/docs";
        ui.DocumentTitle = "Berth API";
        ui.SwaggerEndpoint(Document, "Berth");
        ui.EnableTryItOutByDefault();
    });

    public static IEndpointRouteBuilder MapDescription(this IEndpointRouteBuilder routes)
    {
        routes.MapOpenApi(Document);
        return routes;
    }
}
