using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Contracts.Pools;
using Berth.Server.Problems;

namespace Berth.Server.Pools;

/// <summary>PATCH of a pool: a merge patch in which classes are known by their id, so that one can be changed without repeating the others.</summary>
internal static class PoolPatch
{
    public static PoolRequest Apply(PoolRequest current, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Object || !patch.TryGetProperty("classes", out var changes))
            return MergePatch.Apply(current, patch);
        if (changes.ValueKind != JsonValueKind.Array)
            throw Check.Invalid("classes", "must be a list");

        var classes = JsonSerializer.SerializeToNode(current, JsonOfApi.Options)!["classes"]!.DeepClone().AsArray();
        var i = 0;
        foreach (var change in changes.EnumerateArray())
        {
            if (change.ValueKind != JsonValueKind.Object)
                throw Check.Invalid($"classes[{i}]", "must be an object");
            var fields = JsonObject.Create(change)!;
            if (fields["id"] is not { } id)
            {
                classes.Add(fields);
            }
            else
            {
                var known = classes.OfType<JsonObject>().FirstOrDefault(c => c["id"] is { } has && JsonNode.DeepEquals(has, id))
                    ?? throw Check.Invalid($"classes[{i}].id", string.Create(CultureInfo.InvariantCulture, $"must be the id of a class of this pool; there is no {id.ToJsonString()}"));
                MergePatch.Merge(known, fields);
            }

            i++;
        }

        var whole = JsonObject.Create(patch)!;
        whole["classes"] = classes;
        return MergePatch.Apply(current, MergePatch.ToElement(whole));
    }
}
