using System.Globalization;
using System.Text.Json.Nodes;
using Berth.Cli.Commands.Resources;
using Berth.Cli.Settings;
using Berth.Contracts.Users;

namespace Berth.Cli.Commands.Users;

/// <summary>The limits of a quota as flags: a number, or <c>none</c> for no limit.</summary>
internal static class QuotaField
{
    /// <param name="prefix">Of the flags' names.</param>
    /// <param name="quotaOf">The object of the body that the limits go into.</param>
    public static IReadOnlyList<Field> All(string prefix, Func<JsonObject, JsonObject> quotaOf) =>
    [
        Of($"--{prefix}sessions", "sessions", "Sessions at once: a number, or none", "N", Whole, quotaOf),
        Of($"--{prefix}cpu", "cpu", "Cores of all running sessions: a number, or none", "CORES", Number, quotaOf),
        Of($"--{prefix}memory", "memory", "Memory of all running sessions: 32G, or none", "SIZE", Size, quotaOf),
        Of($"--{prefix}gpu", "gpu", "Gpus of all running sessions: a number, or none", "N", Whole, quotaOf),
    ];

    public static string Words(UserQuota quota)
    {
        string?[] parts =
        [
            quota.Sessions is { } sessions ? (sessions == 1 ? "1 session" : $"{sessions} sessions") : null,
            quota.Cpu is { } cpu ? $"{cpu} cpu" : null,
            quota.Memory is { } memory ? $"{memory} GB" : null,
            quota.Gpu is { } gpu ? $"{gpu} gpu" : null,
        ];
        var limits = string.Join(", ", parts.Where(part => part is not null));
        return limits.Length == 0 ? "no limit" : limits;
    }

    private static Field Of(string flag, string json, string description, string value, Func<string, JsonNode?> read, Func<JsonObject, JsonObject> quotaOf)
    {
        var typed = Flags.Text(flag, description, value);
        return new Field(typed, (call, _, body, _) =>
        {
            var text = call.Get(typed)!;
            quotaOf(body)[json] = text == "none" ? null
                : read(text) ?? throw CliException.Usage($"{flag} is '{text}'; {(value == "SIZE" ? "a size such as 32G" : "a number from 0 on")} is expected, or none for no limit.");
            return Task.CompletedTask;
        });
    }

    private static JsonNode? Whole(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : null;

    private static JsonNode? Number(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : null;

    private static JsonNode? Size(string text) => text == "0" ? JsonValue.Create(0) : Sizes.Gigabytes(text) is { } size ? JsonValue.Create(size) : null;
}
