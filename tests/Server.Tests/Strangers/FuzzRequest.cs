using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Fakes;

namespace Berth.Server.Tests.Strangers;

/// <summary>One request made from the description: right, or nearly. Without an operation the description does not know its method.</summary>
public sealed record FuzzRequest(string Method, string Path, string Template, JsonElement? Operation, byte[]? Body, string? MediaType, bool WithToken, string? IfMatch)
{
    public override string ToString() =>
        $"{Method} {(Path.Length > 300 ? Path[..300] + "…" : Path)} ({MediaType}) {(Body is null ? "" : Shown(Encoding.UTF8.GetString(Body)))}";

    private static string Shown(string body) => body.Length > 400 ? body[..400] + "…" : body;
}

/// <summary>Makes requests from an API's description; the same seed makes the same ones.</summary>
public sealed class FuzzRequests(JsonElement document, int seed)
{
    private static readonly string[] StrangeTexts =
    [
        "", " ", "\u0001", "../../etc/passwd", "'; DROP TABLE users; --", "\u202e\u0000x", "💥", "ﷺ", "null", "true", "0", "-1", "9999999999999999999", "NaN",
        "<script>alert(1)</script>", "{\"id\":1}", "%00", "a\r\nX-Injected: 1", "https://[::1", "\\\\host\\share", "@@LONE@@", "@@NUL@@", "owner", "busybox",
    ];

    private static readonly string[] StrangeSegments =
        ["%2F", "..%2f..", "%FF", "%F0%9F%92%A5", "%C0%AE", "%", "%zz", "'%20OR%201=1", "a;b=c", "99999999999999999999", "-1", "0", "1e3", "%E2%80%AE", "+", "~", "%0d%0aX:1"];

    private static readonly string[] Numbers = ["0", "-1", "1.5", "1e400", "-0", "2147483648", "9223372036854775808", "0.000000001", "1e-400", "00", "1"];
    private static readonly string[] MediaTypes = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=utf-16", "rubbish", "application/merge-patch+json"];
    private static readonly string[] Methods = ["PUT", "DELETE", "PATCH", "POST", "OPTIONS", "TRACE", "RUBBISH", "GET"];

    private readonly JsonSchema _schemas = new(document);
    private readonly (string Template, string Method, JsonElement Operation)[] _operations =
        [.. from path in document.GetProperty("paths").EnumerateObject()
            from operation in path.Value.EnumerateObject()
            select (path.Name, operation.Name.ToUpperInvariant(), operation.Value)];

    /// <param name="index">Which one.</param>
    /// <param name="ids">Real ids, by the name of what comes before them in paths.</param>
    public FuzzRequest Make(int index, IReadOnlyDictionary<string, string> ids)
    {
        var random = new Random(HashCode(seed, index));
        var (template, method, operation) = _operations[random.Next(_operations.Length)];
        var body = operation.TryGetProperty("requestBody", out var described)
            ? Bytes(random, described.GetProperty("content").GetProperty("application/json").GetProperty("schema"), ids)
            : random.Next(30) == 0 ? "{}"u8.ToArray() : null;
        var mediaType = body is null ? null : random.Next(25) == 0 ? MediaTypes[random.Next(MediaTypes.Length)] : "application/json";
        var known = random.Next(30) != 0;
        var sent = known ? method : Methods[random.Next(Methods.Length)];
        JsonElement? expected = sent == method ? operation : null;
        if (expected is null && document.GetProperty("paths").GetProperty(template).TryGetProperty(sent.ToLowerInvariant(), out var other))
            expected = other;
        var ifMatch = random.Next(3) switch { 0 => null, 1 => ids["etag"], _ => Pick(random, StrangeTexts).Replace("\r\n", "").Replace("\u0001", "") };
        return new FuzzRequest(sent, Fill(random, template, operation, ids), template, expected, sent is "GET" or "TRACE" ? null : body, mediaType, random.Next(20) != 0, ifMatch);
    }

    /// <summary>Not the framework's, which is another one in each process.</summary>
    private static int HashCode(int a, int b) => unchecked((a * 486187739) + (b * 16777619) + 12345);

    private static string Pick(Random random, string[] choices) => choices[random.Next(choices.Length)];

    private static string Fill(Random random, string template, JsonElement operation, IReadOnlyDictionary<string, string> ids)
    {
        var parts = template.Split('/');
        for (var i = 0; i < parts.Length; i++)
        {
            if (!parts[i].StartsWith('{'))
                continue;
            var real = ids.TryGetValue(parts[i] is "{id}" or "{name}" ? parts[i - 1] : parts[i], out var id) ? id : "1";
            parts[i] = random.Next(10) switch { 0 => Pick(random, StrangeSegments), 1 => new string('x', random.Next(1, 3000)), _ => real };
        }

        var path = new StringBuilder(string.Join('/', parts));
        foreach (var parameter in operation.TryGetProperty("parameters", out var all) ? all.EnumerateArray() : [])
        {
            if (parameter.GetProperty("in").GetString() != "query" || random.Next(2) == 0)
                continue;
            var value = random.Next(3) switch { 0 => Pick(random, Numbers), 1 => Pick(random, StrangeTexts).Replace("@@LONE@@", "\uFFFD").Replace("@@NUL@@", "\0"), _ => "true" };
            // A log that is followed does not end.
            var name = parameter.GetProperty("name").GetString()!;
            path.Append(path.ToString().Contains('?') ? '&' : '?').Append(name).Append('=').Append(name == "follow" ? "false" : Uri.EscapeDataString(value));
        }

        return path.ToString();
    }

    private byte[] Bytes(Random random, JsonElement schema, IReadOnlyDictionary<string, string> ids)
    {
        var node = Right(random, schema, "", ids, 0);
        for (var faults = random.Next(4); faults > 0; faults--)
            node = Break(random, node);
        var text = node?.ToJsonString() ?? "null";
        text = text.Replace("@@LONE@@", "\\ud800").Replace("@@NUL@@", "\\u0000").Replace("\"@@NUMBER@@\"", Pick(random, Numbers));
        text = random.Next(40) switch
        {
            0 => text[..random.Next(text.Length)],
            1 => new string('[', 200) + text + new string(']', 200),
            2 => text.StartsWith("{\"", StringComparison.Ordinal) ? $"{{{text[1..^1]},{text[1..^1]}}}" : text,
            3 => text + text,
            4 => "\ufeff" + text,
            5 => text + ",",
            _ => text,
        };
        return random.Next(60) switch { 0 => Encoding.Unicode.GetBytes(text), 1 => Encoding.Latin1.GetBytes(text + "é"), 2 => [], 3 => [.. Encoding.UTF8.GetBytes(text), 0xff, 0xfe], _ => Encoding.UTF8.GetBytes(text) };
    }

    /// <summary>What the schema allows, with real ids where a name asks for one.</summary>
    private JsonNode? Right(Random random, JsonElement named, string name, IReadOnlyDictionary<string, string> ids, int depth)
    {
        // Described as anything: the one by its id, or a new one.
        if (name == "environment")
        {
            return random.Next(2) == 0
                ? new JsonObject { ["id"] = ids["environment_id"] }
                : Right(random, document.GetProperty("components").GetProperty("schemas").GetProperty("EnvironmentRequest"), "", ids, depth);
        }

        var schema = _schemas.Resolve(named);
        if (schema.TryGetProperty("oneOf", out var one) || schema.TryGetProperty("anyOf", out one))
            return Right(random, one[random.Next(one.GetArrayLength())], name, ids, depth);
        var type = schema.TryGetProperty("type", out var types)
            ? types.ValueKind == JsonValueKind.Array ? types[random.Next(types.GetArrayLength())].GetString() : types.GetString()
            : "object";
        switch (type)
        {
            case "object":
                var made = new JsonObject();
                foreach (var property in schema.TryGetProperty("properties", out var properties) ? properties.EnumerateObject() : default)
                {
                    var needed = schema.TryGetProperty("required", out var required) && required.EnumerateArray().Any(r => r.GetString() == property.Name);
                    if (needed || random.Next(3) == 0)
                        made[property.Name] = Right(random, property.Value, property.Name, ids, depth + 1);
                }

                return made;
            case "array":
                return new JsonArray([.. Enumerable.Range(0, random.Next(3)).Select(_ => Right(random, schema.GetProperty("items"), name, ids, depth + 1))]);
            case "integer":
                return ids.TryGetValue(name, out var number) ? int.Parse(number, CultureInfo.InvariantCulture) : random.Next(0, 100);
            case "number":
                return Math.Round(random.NextDouble() * 4, 2);
            case "boolean":
                return random.Next(2) == 0;
            case "string":
                return ids.TryGetValue(name, out var id) ? id : $"fuzz-{random.Next(1_000_000)}";
            default:
                return null;
        }
    }

    /// <summary>One thing is not as it should be.</summary>
    private static JsonNode? Break(Random random, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields when fields.Count > 0:
                var name = fields.ElementAt(random.Next(fields.Count)).Key;
                switch (random.Next(8))
                {
                    case 0: fields.Remove(name); break;
                    case 1: fields[Pick(random, StrangeTexts) + random.Next(10)] = "extra"; break;
                    default:
                        var inner = fields[name];
                        fields.Remove(name);
                        fields[name] = Break(random, inner);
                        break;
                }

                return fields;
            case JsonArray items when items.Count > 0 && random.Next(3) > 0:
                var at = random.Next(items.Count);
                var item = items[at];
                items.RemoveAt(at);
                items.Insert(at, Break(random, item));
                return items;
            default:
                return random.Next(9) switch
                {
                    0 => null,
                    1 => new JsonObject(),
                    2 => new JsonArray(1, "x"),
                    3 => true,
                    4 => new string('x', random.Next(100_000)),
                    5 => "@@NUMBER@@",
                    6 => random.Next(int.MinValue, int.MaxValue),
                    _ => Pick(random, StrangeTexts),
                };
        }
    }
}
