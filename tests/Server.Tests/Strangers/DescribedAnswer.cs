using System.Globalization;
using System.Text.Json;
using Berth.Fakes;

namespace Berth.Server.Tests.Strangers;

/// <summary>Whether an answer is one that the description has: status, media type, body.</summary>
public sealed class DescribedAnswer(JsonElement document)
{
    private readonly JsonSchema _schemas = new(document);

    private JsonElement Problem => document.GetProperty("components").GetProperty("schemas").GetProperty("ProblemBody");

    /// <summary>What is wrong with it; null: nothing.</summary>
    public string? Fault(FuzzRequest request, HttpResponseMessage response, string body)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(response);
        var status = (int)response.StatusCode;
        if (status >= 500)
            return $"{status}: {Short(body)}";
        // What is no HTTP is refused before anybody could describe it.
        if (status is 400 or 414 && body.Length == 0)
            return null;
        // A path whose parameters make another one, and a method that is not there, are refused like everything else.
        if (request.Operation is not { } operation || status is 404 or 405)
            return status < 400 || body.Length == 0 && request.Method == "HEAD" ? Undescribed(request, status, body) : Json(Problem, body, status);
        if (!operation.GetProperty("responses").TryGetProperty(status.ToString(CultureInfo.InvariantCulture), out var described))
            return $"{status} is not described: {Short(body)}";
        if (!described.TryGetProperty("content", out var contents))
            return body.Length == 0 ? null : $"{status} should have no body: {Short(body)}";
        var type = response.Content.Headers.ContentType?.MediaType ?? "";
        if (!contents.TryGetProperty(type, out var content))
            return $"{status} has the type '{type}', and should have {contents}";
        return type == "application/json" ? Json(content.GetProperty("schema"), body, status) : null;
    }

    private static string? Undescribed(FuzzRequest request, int status, string body) =>
        request.Method is "TRACE" or "OPTIONS" or "GET" && status < 400 ? $"{status} to a request that is not described: {Short(body)}" : null;

    private string? Json(JsonElement schema, string body, int status)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return _schemas.Faults(schema, json.RootElement).FirstOrDefault() is { } fault ? $"{status}: {fault}: {Short(body)}" : null;
        }
        catch (JsonException)
        {
            return $"{status} is no JSON: '{Short(body)}'";
        }
    }

    private static string Short(string text) => text.Length > 300 ? text[..300] + "…" : text;
}
