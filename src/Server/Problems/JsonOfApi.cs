using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Contracts.Json;

namespace Berth.Server.Problems;

/// <summary>How the API reads and writes JSON: as Contracts say, and a field twice is a mistake.</summary>
internal static class JsonOfApi
{
    public static JsonSerializerOptions Options { get; } = Make();

    public static void Apply(JsonSerializerOptions options)
    {
        var contracts = BerthJson.Default.Options;
        options.PropertyNamingPolicy = contracts.PropertyNamingPolicy;
        options.PropertyNameCaseInsensitive = false;
        options.UnmappedMemberHandling = contracts.UnmappedMemberHandling;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        // Answers are JSON by type and never guessed at (nosniff): quotes may stay legible.
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.AllowDuplicateProperties = false;
        options.TypeInfoResolverChain.Insert(0, BerthJson.Default);
    }

    private static JsonSerializerOptions Make()
    {
        var options = new JsonSerializerOptions();
        Apply(options);
        options.MakeReadOnly();
        return options;
    }
}
