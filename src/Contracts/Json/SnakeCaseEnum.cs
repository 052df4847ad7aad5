using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Contracts.Json;

/// <summary>Writes and reads an enum as snake-case strings, never as numbers.</summary>
public sealed class SnakeCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
