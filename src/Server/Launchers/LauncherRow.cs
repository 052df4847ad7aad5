using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Launchers;
using Berth.Server.Environments;

namespace Berth.Server.Launchers;

/// <summary>A launcher as stored.</summary>
public sealed class LauncherRow
{
    public string Id { get; init; } = "";
    public string ProjectId { get; init; } = "";
    public string EnvironmentId { get; init; } = "";
    public string Name { get; init; } = "";
    public string? Description { get; init; }
    public int? ResourceClassId { get; init; }
    public int? DiskStorage { get; init; }
    public string LauncherType { get; init; } = "";
    public string EnvVariables { get; init; } = "[]";
    public string CreatedBy { get; init; } = "";
    public long CreatedAt { get; init; }

    public LauncherView View(EnvironmentRow environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        return new LauncherView(
            Id, ProjectId, Name, environment.View(), Description, ResourceClassId, DiskStorage, LauncherType, Variables(), CreatedBy,
            DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt));
    }

    public LauncherRequest Request(EnvironmentRow environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        var choice = environment.Kind == EnvironmentRow.Global
            ? JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["id"] = environment.Id }, BerthJson.Default.DictionaryStringString)
            : JsonSerializer.SerializeToElement(environment.Request(), BerthJson.Default.EnvironmentRequest);
        return new LauncherRequest(ProjectId, Name, choice, Description, ResourceClassId, DiskStorage, LauncherType, Variables());
    }

    internal static string Json(IReadOnlyList<EnvVariable>? variables) =>
        JsonSerializer.Serialize(variables ?? [], BerthJson.Default.IReadOnlyListEnvVariable);

    private IReadOnlyList<EnvVariable> Variables() => JsonSerializer.Deserialize(EnvVariables, BerthJson.Default.IReadOnlyListEnvVariable) ?? [];
}
