using System.Text.Json;

namespace Berth.Server.Problems;

/// <summary>The body of a PATCH: an object with the fields to change. Endpoints take it as a parameter and say with Accepts what it changes.</summary>
public sealed record Patch(JsonElement Fields)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public static async ValueTask<Patch?> BindAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!context.Request.HasJsonContentType())
            throw new BadHttpRequestException("Not JSON.", StatusCodes.Status415UnsupportedMediaType);
        using var json = await JsonDocument.ParseAsync(context.Request.Body, Strict, context.RequestAborted);
        return new Patch(json.RootElement.Clone());
    }
}
