using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>
/// Finds an engine that answers: the one that is configured, else the one of <c>DOCKER_HOST</c>, else the first of the
/// usual places. A chosen one that is silent is never replaced by another.
/// </summary>
internal sealed class EngineFinder(string? configured, Func<string, string?> environment, TimeProvider time)
{
    /// <exception cref="ProviderException">None answers; the message names all places and what is wrong with each.</exception>
    public async Task<DockerClient> FindAsync(CancellationToken ct)
    {
        var faults = new List<string>();
        foreach (var place in Places())
        {
            try
            {
                return await DockerClient.OpenAsync(EngineAddress.Parse(place), time, ct);
            }
            catch (FormatException e)
            {
                faults.Add($"{place} ({e.Message})");
            }
            catch (ProviderException e) when (e.Reason == Reason.EngineUnreachable)
            {
                faults.Add(e.Message);
            }
        }

        throw new ProviderException(Reason.EngineUnreachable, $"looked at {string.Join(", ", faults)}. {NextStep()}");
    }

    public IEnumerable<string> Places()
    {
        if (Chosen() is { } chosen)
            return [chosen];
        var runtime = environment("XDG_RUNTIME_DIR");
        var home = environment("HOME");
        string?[] places =
        [
            "unix:///var/run/docker.sock",
            runtime is null ? null : $"unix://{runtime}/docker.sock",
            home is null ? null : $"unix://{home}/.docker/run/docker.sock",
            "unix:///run/podman/podman.sock",
            runtime is null ? null : $"unix://{runtime}/podman/podman.sock",
        ];
        return places.OfType<string>();
    }

    private string? Chosen() => NotEmpty(configured) ?? NotEmpty(environment("DOCKER_HOST"));

    private string NextStep() =>
        NotEmpty(configured) is not null ? "Start that engine, or configure another address."
        : NotEmpty(environment("DOCKER_HOST")) is not null ? "Start that engine, or unset DOCKER_HOST."
        : "Start one (`sudo systemctl start docker`), or set DOCKER_HOST to its address.";

    private static string? NotEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
