using System.Text.Json.Serialization;
using Berth.Contracts.Nodes;

namespace Berth.Contracts.Json;

/// <summary>
/// Source-generated JSON of <see cref="NodeMessage"/> and of what is kept of it. Apart from <see cref="BerthJson"/> because
/// unknown fields are skipped here: nodes and server are not updated at the same moment.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(NodeMessage))]
[JsonSerializable(typeof(NodeOffer))]
[JsonSerializable(typeof(NodeFacts))]
[JsonSerializable(typeof(NodeSettings))]
[JsonSerializable(typeof(NodeIdentity))]
public sealed partial class NodeJson : JsonSerializerContext;
