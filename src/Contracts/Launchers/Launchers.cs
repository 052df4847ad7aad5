using System.Text.Json;
using Berth.Contracts.Environments;

namespace Berth.Contracts.Launchers;

/// <summary>Body of <c>POST /api/data/session_launchers</c>; PATCH merges into it.</summary>
/// <param name="ProjectId">Cannot be changed.</param>
/// <param name="Name">1–99 characters.</param>
/// <param name="Environment">
/// Either <c>{"id": "…"}</c> of a global environment, or an inline custom one (<see cref="EnvironmentRequest"/>).
/// </param>
/// <param name="Description">Up to 500 characters.</param>
/// <param name="ResourceClassId">Null: the default class of the default pool at start.</param>
/// <param name="DiskStorage">GB, at least 1; null: the class's default.</param>
/// <param name="LauncherType"><c>interactive</c>.</param>
/// <param name="EnvVariables">Up to 32.</param>
public sealed record LauncherRequest(
    string ProjectId, string Name, JsonElement Environment, string? Description = null, int? ResourceClassId = null,
    int? DiskStorage = null, string? LauncherType = "interactive", IReadOnlyList<EnvVariable>? EnvVariables = null);

/// <summary>An environment variable of a launcher.</summary>
/// <param name="Name">Matches <c>^[a-zA-Z_][a-zA-Z0-9_]*$</c>, up to 256 characters, not starting with RENKU or BERTH.</param>
/// <param name="Value">Up to 500 characters; null: to be given at start.</param>
public sealed record EnvVariable(string Name, string? Value = null);

/// <summary>A launcher as sent.</summary>
/// <param name="Id">ULID.</param>
/// <param name="ProjectId">Its project.</param>
/// <param name="Name">Shown name.</param>
/// <param name="Environment">In full, global or custom.</param>
/// <param name="Description">Null when not given.</param>
/// <param name="ResourceClassId">Null: default.</param>
/// <param name="DiskStorage">GB; null: the class's default.</param>
/// <param name="LauncherType"><c>interactive</c>.</param>
/// <param name="EnvVariables">Possibly empty.</param>
/// <param name="CreatedBy">User id.</param>
/// <param name="CreationDate">When it was made.</param>
public sealed record LauncherView(
    string Id, string ProjectId, string Name, EnvironmentView Environment, string? Description, int? ResourceClassId,
    int? DiskStorage, string LauncherType, IReadOnlyList<EnvVariable> EnvVariables, string CreatedBy, DateTimeOffset CreationDate);
