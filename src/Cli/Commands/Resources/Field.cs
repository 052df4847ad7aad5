using System.CommandLine;
using System.Text.Json.Nodes;
using Berth.Cli.Servers;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Resources;

/// <summary>A flag of <c>create</c> or <c>edit</c>, and what it puts into the body of the request when it is given.</summary>
internal sealed record Field(Option Flag, Func<Call, Server, JsonObject, CancellationToken, Task> PutAsync)
{
    public static Field Text(string flag, string json, string description, string value = "TEXT") =>
        Of(Flags.Text(flag, description, value), json, text => JsonValue.Create(text));

    public static Field Whole(string flag, string json, string description, int least, int most, string value = "N") =>
        Of(Flags.Whole(flag, description, value, least, most), json, number => JsonValue.Create(number!.Value));

    public static Field Number(string flag, string json, string description, string value = "N") =>
        Of(Flags.Number(flag, description, value), json, number => JsonValue.Create(number!.Value));

    /// <summary>Whole GB.</summary>
    public static Field Gigabytes(string flag, string json, string description) =>
        Of(Flags.Size(flag, description), json, size => JsonValue.Create((int)Math.Ceiling(size!.Value)));

    /// <summary>Seconds.</summary>
    public static Field Seconds(string flag, string json, string description) =>
        Of(Flags.Span(flag, description), json, span => JsonValue.Create((int)span!.Value.TotalSeconds));

    public static Field OneOf(string flag, string json, string description, params string[] words) =>
        Of(Flags.OneOf(flag, description, words), json, word => JsonValue.Create(word));

    public static Field Switch(string flag, string json, string description) =>
        Of(Flags.Switch(flag, description), json, on => JsonValue.Create(on));

    public static Field Texts(string flag, string json, string description, string value) =>
        Of(Flags.Texts(flag, description, value), json, texts => new JsonArray([.. texts!.Select(text => (JsonNode)JsonValue.Create(text)!)]));

    /// <summary>A flag whose value must be looked up.</summary>
    public static Field LookedUp(Flag<string?> flag, string json, Func<Server, string, CancellationToken, Task<JsonNode>> find) =>
        new(flag, async (call, server, body, ct) => body[json] = await find(server, call.Get(flag)!, ct));

    private static Field Of<T>(Flag<T> flag, string json, Func<T?, JsonNode?> node) => new(flag, (call, _, body, _) =>
    {
        body[json] = node(call.Get(flag));
        return Task.CompletedTask;
    });
}
