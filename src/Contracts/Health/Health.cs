namespace Berth.Contracts.Health;

/// <summary>Answer of <c>GET /api/berth/version</c>.</summary>
/// <param name="Version">Of the server.</param>
/// <param name="Name">berth.</param>
public sealed record VersionView(string Version, string Name = "berth");

/// <summary>Answer of <c>GET /api/berth/health</c>.</summary>
/// <param name="Status">ok, degraded or down.</param>
/// <param name="Checks">Each part.</param>
public sealed record HealthView(string Status, IReadOnlyList<HealthCheck> Checks);

/// <summary>One part of the server.</summary>
/// <param name="Name">database, engine, …</param>
/// <param name="Ok">It works.</param>
/// <param name="Message">What is wrong and how to mend it, or what it is; for admins.</param>
public sealed record HealthCheck(string Name, bool Ok, string? Message);
