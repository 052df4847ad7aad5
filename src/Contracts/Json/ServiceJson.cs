using System.Text.Json.Serialization;
using Berth.Contracts.Services;

namespace Berth.Contracts.Json;

/// <summary>
/// Source-generated JSON of <see cref="ServiceRequest"/>. Unknown fields are skipped, as in <see cref="AgentJson"/>: client
/// and agent need not be of one version.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(ServiceRequest))]
[JsonSerializable(typeof(PortsNow))]
[JsonSerializable(typeof(TerminalsNow))]
public sealed partial class ServiceJson : JsonSerializerContext;
