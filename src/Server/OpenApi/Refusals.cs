using System.Globalization;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;

namespace Berth.Server.OpenApi;

/// <summary>Says of each operation how it may be refused, which follows from who may call it and from what it takes.</summary>
internal sealed class Refusals : IOpenApiOperationTransformer
{
    private const string Body = nameof(ProblemBody);

    public async Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.Document is not { } document)
            return;
        if (document.Components?.Schemas?.ContainsKey(Body) is not true)
            document.AddComponent(Body, await context.GetOrCreateSchemaAsync(typeof(ProblemBody), cancellationToken: cancellationToken));
        var method = context.Description.HttpMethod ?? "";
        foreach (var status in Statuses(method, Rule(method, context.Description.RelativePath), operation))
        {
            operation.Responses ??= [];
            operation.Responses.TryAdd(status.ToString(CultureInfo.InvariantCulture), new OpenApiResponse
            {
                Description = ReasonPhrases.GetReasonPhrase(status),
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                {
                    ["application/json"] = new() { Schema = new OpenApiSchemaReference(Body, document) },
                },
            });
        }
    }

    private static IEnumerable<int> Statuses(string method, AccessRule? rule, OpenApiOperation operation)
    {
        var hasBody = operation.RequestBody is not null;
        var parameters = operation.Parameters ?? [];
        // Any caller may come with a wrong token, too often.
        yield return StatusCodes.Status429TooManyRequests;
        if (rule is AccessRule.Anonymous && !hasBody)
            yield break;
        yield return StatusCodes.Status401Unauthorized;
        yield return StatusCodes.Status403Forbidden;
        yield return StatusCodes.Status503ServiceUnavailable;
        if (hasBody || parameters.Any(p => p.In == ParameterLocation.Path))
            yield return StatusCodes.Status404NotFound;
        if (!HttpMethods.IsGet(method))
            yield return StatusCodes.Status409Conflict;
        if (hasBody)
        {
            yield return StatusCodes.Status413PayloadTooLarge;
            yield return StatusCodes.Status415UnsupportedMediaType;
        }

        if (hasBody || parameters.Count > 0)
            yield return StatusCodes.Status422UnprocessableEntity;
        if (parameters.Any(p => p.In == ParameterLocation.Header && string.Equals(p.Name, "If-Match", StringComparison.OrdinalIgnoreCase)))
            yield return StatusCodes.Status428PreconditionRequired;
    }

    /// <summary>The description writes paths without their constraints.</summary>
    private static AccessRule? Rule(string method, string? path) =>
        AccessTable.Rows.FirstOrDefault(r => r.Method == method && r.Pattern.Replace(":int", "", StringComparison.Ordinal) == AccessTable.Normalize(path))?.Rule;
}
