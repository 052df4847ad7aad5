using System.Globalization;
using System.Text.Json;

namespace Berth.Fakes;

/// <summary>
/// As much of JSON Schema as descriptions of APIs use: whether a value is what a schema says. A word of a schema that it
/// does not know is an error: nothing passes unchecked.
/// </summary>
public sealed class JsonSchema(JsonElement document)
{
    private static readonly HashSet<string> SaysNothing = ["description", "default", "title", "example", "examples", "deprecated", "pattern", "readOnly", "writeOnly"];

    /// <summary>What is wrong with a value, each with its path; nothing: it is right.</summary>
    public IEnumerable<string> Faults(JsonElement schema, JsonElement value, string path = "$")
    {
        foreach (var word in schema.EnumerateObject())
        {
            foreach (var fault in Faults(word, schema, value, path))
                yield return fault;
        }
    }

    /// <summary>The schema itself, where it is only named.</summary>
    public JsonElement Resolve(JsonElement schema)
    {
        while (schema.TryGetProperty("$ref", out var reference))
        {
            var found = document;
            foreach (var part in reference.GetString()!.TrimStart('#', '/').Split('/'))
                found = found.GetProperty(part);
            schema = found;
        }

        return schema;
    }

    private IEnumerable<string> Faults(JsonProperty word, JsonElement schema, JsonElement value, string path)
    {
        switch (word.Name)
        {
            case "$ref":
                return Faults(Resolve(schema), value, path);
            case "type":
                var types = word.Value.ValueKind == JsonValueKind.Array ? [.. word.Value.EnumerateArray().Select(t => t.GetString()!)] : new[] { word.Value.GetString()! };
                return types.Any(t => Is(t, value)) ? [] : [$"{path}: is {value.ValueKind}, and should be {string.Join(" or ", types)}"];
            case "enum":
                return word.Value.EnumerateArray().Any(e => JsonElement.DeepEquals(e, value)) ? [] : [$"{path}: is {value}, which is none of {word.Value}"];
            case "required" when value.ValueKind == JsonValueKind.Object:
                return word.Value.EnumerateArray().Select(n => n.GetString()!).Where(n => !value.TryGetProperty(n, out _)).Select(n => $"{path}: has no {n}");
            case "properties" when value.ValueKind == JsonValueKind.Object:
                return word.Value.EnumerateObject().Where(p => value.TryGetProperty(p.Name, out _)).SelectMany(p => Faults(p.Value, value.GetProperty(p.Name), $"{path}.{p.Name}"));
            case "additionalProperties" when value.ValueKind == JsonValueKind.Object:
                var others = value.EnumerateObject().Where(p => !schema.TryGetProperty("properties", out var known) || !known.TryGetProperty(p.Name, out _));
                return word.Value.ValueKind == JsonValueKind.Object
                    ? others.SelectMany(p => Faults(word.Value, p.Value, $"{path}.{p.Name}"))
                    : word.Value.GetBoolean() ? [] : others.Select(p => $"{path}: has {p.Name}, which it should not");
            case "items" when value.ValueKind == JsonValueKind.Array:
                return value.EnumerateArray().SelectMany((item, i) => Faults(word.Value, item, $"{path}[{i}]"));
            case "allOf":
                return word.Value.EnumerateArray().SelectMany(s => Faults(s, value, path));
            case "anyOf" or "oneOf":
                return word.Value.EnumerateArray().Any(s => !Faults(s, value, path).Any()) ? [] : [$"{path}: fits none of {word.Name}"];
            case "format":
                return FitsFormat(word.Value.GetString()!, value) ? [] : [$"{path}: {value} is no {word.Value}"];
            case "required" or "properties" or "additionalProperties" or "items":
                return [];
            case var name when SaysNothing.Contains(name):
                return [];
            default:
                return [$"{path}: this checker does not know '{word.Name}'"];
        }
    }

    private static bool Is(string type, JsonElement value) => (type, value.ValueKind) switch
    {
        ("null", JsonValueKind.Null) or ("string", JsonValueKind.String) or ("array", JsonValueKind.Array) or ("object", JsonValueKind.Object) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) or ("number", JsonValueKind.Number) => true,
        ("integer", JsonValueKind.Number) => value.TryGetInt64(out _),
        _ => false,
    };

    private static bool FitsFormat(string format, JsonElement value) => format switch
    {
        _ when value.ValueKind == JsonValueKind.Null => true,
        "int32" => value.TryGetInt32(out _),
        "int64" => value.TryGetInt64(out _),
        "double" => value.ValueKind == JsonValueKind.Number,
        "date-time" => DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "uri" => Uri.TryCreate(value.GetString(), UriKind.Absolute, out _),
        _ => false,
    };
}
