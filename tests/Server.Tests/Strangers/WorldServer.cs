using Berth.Fakes;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Tests.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Berth.Server.Tests.Strangers;

/// <summary>The whole server with compute that starts whatever it is asked to, and a pool of it that is open to all.</summary>
public class WorldServer : ApiServer
{
    public FakeCompute Compute { get; } = new();

    /// <summary>A class that everybody may use, whatever machine the tests run on.</summary>
    public int OpenClass { get; private set; }

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        OpenClass = (await Owner.PostAsync("/api/data/resource_pools", new { name = "Open to all", @public = true, classes = new[] { Class("small") } }))
            .Created().GetProperty("classes")[0].Int("id");
    }

    /// <summary>Of so little that all sessions of a test have room.</summary>
    public static object Class(string name, int? id = null) =>
        new { name, cpu = 0.1, memory = 1, gpu = 0, max_storage = 10, @default = true, id };

    protected override void Adjust(WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.RemoveAll<ProviderInstance>();
        builder.Services.AddSingleton(new ProviderInstance(ProviderNames.Docker, Compute));
    }
}
