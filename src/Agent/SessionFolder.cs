using System.Text.Json;
using Berth.Core.Agents;

namespace Berth.Agent;

/// <summary>What the session's folder holds for the agent.</summary>
/// <param name="Order">What to do.</param>
/// <param name="Token">Proof of who this is.</param>
/// <param name="Authorities">File of the certificate authorities that the server is trusted by; null: the system's.</param>
internal sealed record SessionFolder(AgentOrder Order, string Token, string? Authorities)
{
    /// <summary>Another folder than <see cref="AgentFiles.SessionFolder"/>, where there is no container.</summary>
    public const string Variable = "BERTH_SESSION_FOLDER";

    /// <exception cref="InvalidDataException">It is not there or cannot be read; says what.</exception>
    public static SessionFolder Read()
    {
        var folder = Environment.GetEnvironmentVariable(Variable) ?? AgentFiles.SessionFolder;
        try
        {
            using var file = File.OpenRead(Path.Combine(folder, AgentFiles.Order));
            var order = JsonSerializer.Deserialize(file, CoreJson.Default.AgentOrder);
            var token = File.ReadAllText(Path.Combine(folder, AgentFiles.Token)).Trim();
            var authorities = Path.Combine(folder, AgentFiles.Authorities);
            return new SessionFolder(order ?? throw new JsonException("it holds null"), token, File.Exists(authorities) ? authorities : null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new InvalidDataException($"The session's order in {folder} cannot be read: {e.Message}", e);
        }
    }
}
