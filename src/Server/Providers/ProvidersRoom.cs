using Berth.Contracts.Health;
using Berth.Providers.Docker;
using Berth.Server.Health;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Server.Providers;

/// <summary>One line for each provider.</summary>
public static class ProvidersRoom
{
    public static IServiceCollection AddProviders(this IServiceCollection services) => services
        .AddSingleton<Installation>()
        .AddSingleton(Docker)
        .AddSingleton<IHealthProbe, DockerProbe>()
        .AddSingleton<IHealthProbe, IsolationProbe>();

    private static ProviderInstance Docker(IServiceProvider services)
    {
        var options = services.GetRequiredService<ServerOptions>();
        return new ProviderInstance(
            ProviderNames.Docker,
            new DockerProvider(
                new DockerOptions
                {
                    Engine = options.DockerHost,
                    InstallationId = services.GetRequiredService<Installation>().Id,
                    AgentFolder = AgentBundle.Keep(options.AgentFolder, options.DataFolder, services.GetRequiredService<TimeProvider>()),
                    SessionsFolder = options.SessionsFolder,
                    ImagesFolder = options.ImagesFolder,
                    AllowRoot = options.AllowRoot,
                },
                services.GetRequiredService<TimeProvider>()));
    }
}

/// <summary>Tells what keeps sessions from being shut off from the host and its network; known after the first start.</summary>
internal sealed class IsolationProbe(IEnumerable<ProviderInstance> providers) : IHealthProbe
{
    public Task<HealthCheck> CheckAsync(CancellationToken ct)
    {
        var warnings = providers.Select(p => p.Provider).OfType<DockerProvider>().SelectMany(p => p.Warnings).ToList();
        return Task.FromResult(new HealthCheck("isolation", warnings.Count == 0, warnings.Count == 0 ? null : string.Join(' ', warnings)));
    }
}

/// <summary>Tells whether the reconciler reached the engine when it tried last: nobody who asks for the health makes it try.</summary>
internal sealed class DockerProbe(ProviderHealth health, IEnumerable<ProviderInstance> providers) : IHealthProbe
{
    public Task<HealthCheck> CheckAsync(CancellationToken ct)
    {
        var problem = health.All.GetValueOrDefault(ProviderNames.Docker);
        var engine = providers.Select(p => p.Provider).OfType<DockerProvider>().FirstOrDefault()?.LastEngine;
        return Task.FromResult(new HealthCheck(ProviderNames.Docker, problem is null, problem ?? (engine is null ? null : $"{engine.Product} at {engine.Address}")));
    }
}
