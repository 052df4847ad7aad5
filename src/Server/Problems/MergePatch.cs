using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Berth.Server.Problems;

/// <summary>PATCH: a JSON merge patch into what could have been posted (RFC 7396); what comes out is then checked like a post.</summary>
internal static class MergePatch
{
    /// <exception cref="JsonException">A field is unknown or ill-typed; the path names it.</exception>
    public static T Apply<T>(T current, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Object)
            throw Check.Invalid("body", "must be an object with the fields to change");
        var type = (JsonTypeInfo<T>)JsonOfApi.Options.GetTypeInfo(typeof(T));
        var target = JsonSerializer.SerializeToNode(current, type)!.AsObject();
        Merge(target, JsonObject.Create(patch)!);
        return target.Deserialize(type)!;
    }

    /// <summary>As what a body is read into.</summary>
    public static JsonElement ToElement(JsonNode node)
    {
        using var json = JsonDocument.Parse(node.ToJsonString());
        return json.RootElement.Clone();
    }

    public static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is JsonObject inner && target[name] is JsonObject existing)
                Merge(existing, inner);
            else
                // A null removes a member in RFC 7396; here it is a value, which fields that may be empty take.
                target[name] = value?.DeepClone();
        }
    }
}
