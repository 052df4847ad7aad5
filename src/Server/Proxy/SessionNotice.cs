using System.Text.Json.Serialization;

namespace Berth.Server.Proxy;

/// <summary>What <c>GET /_berth/notice</c> tells on a session's origin.</summary>
/// <param name="Warning">What a deadline that is near will do; null: none is.</param>
/// <param name="At">When.</param>
/// <param name="Seconds">How long until then, for clocks differ.</param>
/// <param name="Url">The server's page of the session, where it can be kept.</param>
/// <param name="Again">Ask again after so many seconds.</param>
public sealed record SessionNotice(string? Warning, DateTimeOffset? At, double? Seconds, string Url, int Again);

/// <summary>Source-generated JSON of the proxy's own answers.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SessionNotice))]
public sealed partial class ProxyJson : JsonSerializerContext;
