using System.Reflection;
using Berth.Contracts.Health;
using Berth.Server.Storage;
using Dapper;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Health;

/// <summary>A part of the server that can say whether it works. Each is asked for <c>/api/berth/health</c>.</summary>
public interface IHealthProbe
{
    Task<HealthCheck> CheckAsync(CancellationToken ct);
}

public static class HealthApi
{
    private static readonly string Version =
        typeof(HealthApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public static IServiceCollection AddHealth(this IServiceCollection services) => services.AddSingleton<IHealthProbe, DatabaseProbe>().AddSingleton<IHealthProbe, DiskProbe>();

    public static IEndpointRouteBuilder MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health", CheckAsync).ExcludeFromDescription();
        var health = routes.MapGroup("/api").WithTags("health");
        health.MapGet("/berth/health", CheckAsync).WithSummary("How the server's parts are")
            .Produces<HealthView>().Produces<HealthView>(StatusCodes.Status503ServiceUnavailable);
        health.MapGet("/berth/version", GetVersion).WithSummary("Version of the server");
        health.MapGet("/data/version", GetVersion).WithSummary("Version of the server");
        return routes;
    }

    private static Ok<VersionView> GetVersion() => TypedResults.Ok(new VersionView(Version));

    private static async Task<JsonHttpResult<HealthView>> CheckAsync(HttpContext context, IEnumerable<IHealthProbe> probes, CancellationToken ct)
    {
        var checks = await Task.WhenAll(probes.Select(p => p.CheckAsync(ct)));
        // What is wrong may name addresses and paths: that is for admins.
        var admin = Auth.CallerOfRequest.FindCaller(context) is { IsAdmin: true };
        var shown = checks.OrderBy(c => c.Name, StringComparer.Ordinal).Select(c => admin ? c : c with { Message = null }).ToList();
        // Without its database the server can do nothing; without an engine it is still of use.
        var down = checks.Any(c => c is { Name: DatabaseProbe.Name, Ok: false });
        var status = down ? "down" : checks.All(c => c.Ok) ? "ok" : "degraded";
        return TypedResults.Json(new HealthView(status, shown), statusCode: down ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
    }
}

internal sealed class DatabaseProbe(Db db) : IHealthProbe
{
    public const string Name = "database";

    public async Task<HealthCheck> CheckAsync(CancellationToken ct)
    {
        try
        {
            await using var connection = await db.OpenAsync(ct);
            await connection.ExecuteScalarAsync<int>("SELECT 1");
            return new HealthCheck(Name, true, null);
        }
        catch (System.Data.Common.DbException e)
        {
            return new HealthCheck(Name, false, $"The database cannot be used: {e.Message}");
        }
    }
}
