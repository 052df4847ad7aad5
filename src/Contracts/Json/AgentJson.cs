using System.Text.Json.Serialization;
using Berth.Contracts.Agents;

namespace Berth.Contracts.Json;

/// <summary>
/// Source-generated JSON of <see cref="AgentMessage"/>. Apart from <see cref="BerthJson"/> because unknown fields are
/// skipped here: a session that runs keeps its agent while the server is upgraded.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(AgentMessage))]
public sealed partial class AgentJson : JsonSerializerContext;
