using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Contracts.Environments;
using Berth.Server.Auth;
using Berth.Server.Environments;
using Berth.Server.Problems;
using Dapper;

namespace Berth.Server.Launchers;

/// <summary>
/// The environment of a launcher: a global one by its id, or one of its own, which lives and dies with it.
/// </summary>
internal sealed record EnvironmentChoice(string? GlobalId, EnvironmentRequest? Custom)
{
    /// <summary>Reads <c>{"id": "…"}</c> or a whole custom environment.</summary>
    public static EnvironmentChoice Read(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw Check.Invalid("environment", "must be an object: {\"id\": \"…\"} of a global environment, or one with name and container_image");
        if (element.TryGetProperty("id", out var id))
        {
            foreach (var member in element.EnumerateObject())
            {
                if (member.Name != "id")
                    throw Check.Invalid($"environment.{member.Name}", "must not stand beside id: that names a global environment, which is not changed here");
            }

            return id.ValueKind == JsonValueKind.String ? new EnvironmentChoice(id.GetString(), null) : throw Check.Invalid("environment.id", "must be a text");
        }

        return new EnvironmentChoice(null, EnvironmentRules.Checked(Deserialize(element), EnvironmentRow.Custom, "environment."));
    }

    /// <summary>
    /// What a PATCH makes of the environment: an id replaces it, fields change one of the launcher's own, and replace a
    /// global one where they are a whole environment.
    /// </summary>
    public static JsonElement Merge(EnvironmentRow current, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Object || patch.TryGetProperty("id", out _) || current.Kind == EnvironmentRow.Global)
            return patch;
        var target = JsonSerializer.SerializeToNode(current.Request(), JsonOfApi.Options)!.AsObject();
        MergePatch.Merge(target, JsonObject.Create(patch)!);
        return MergePatch.ToElement(target);
    }

    /// <summary>The id of the environment for a launcher that has <paramref name="current"/>, after it was brought to what is chosen.</summary>
    public async Task<string> ApplyAsync(DbConnection connection, Caller caller, EnvironmentRow? current, TimeProvider clock)
    {
        if (GlobalId is not null)
        {
            var chosen = await EnvironmentStore.FindGlobalAsync(connection, GlobalId);
            return chosen is not null && (!chosen.IsArchived || chosen.Id == current?.Id)
                ? chosen.Id
                : throw Check.Invalid("environment.id", $"must be the id of a global environment that is not archived; it is '{GlobalId}'");
        }

        if (current is not { Kind: EnvironmentRow.Custom })
            return await EnvironmentRow.InsertAsync(connection, Custom!, caller.UserId, clock);
        await EnvironmentRow.UpdateAsync(connection, current.Id, Custom!);
        return current.Id;
    }

    /// <summary>Deletes an environment that belonged to a launcher and does not any more.</summary>
    public static Task ForgetAsync(DbConnection connection, string environmentId) =>
        connection.ExecuteAsync("DELETE FROM environments WHERE id = @environmentId AND kind = 'CUSTOM'", new { environmentId });

    private static EnvironmentRequest Deserialize(JsonElement element)
    {
        try
        {
            return element.Deserialize<EnvironmentRequest>(JsonOfApi.Options)!;
        }
        catch (JsonException e)
        {
            var (field, message) = JsonFault.Explain(e);
            throw new ProblemException(Contracts.Problems.ProblemCode.Invalid, field is null ? message : $"environment.{message}", field is null ? "environment" : $"environment.{field}");
        }
    }
}
