using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Berth.Server.Proxy;

/// <summary>Sessions' own origins: gate, forwarding, and what is shown while a session does not run.</summary>
public static class ProxyRoom
{
    /// <summary>
    /// Adds the room. Session hosts branch off before everything else in the pipeline, wherever this is called; <see cref="Neighbours"/>
    /// has to be added beside it.
    /// </summary>
    public static IServiceCollection AddSessionProxy(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        services.AddDataProtection();
        services.AddSingleton<SessionHosts>().AddSingleton<Origins>().AddSingleton<LiveConnections>().AddSingleton<InputWatch>().AddSingleton<Visits>().AddSingleton<Tickets>()
            .AddSingleton<GateCookies>().AddSingleton<Gate>().AddSingleton<SessionDialer>().AddSingleton<SessionForwarder>()
            .AddSingleton<SessionPages>().AddSingleton<OwnPaths>().AddSingleton<SessionProxy>()
            .AddSingleton<IStartupFilter, SessionHostsFirst>();

        // Apps write headers in UTF-8 or Latin-1; as Latin-1 both pass byte for byte.
        services.Configure<KestrelServerOptions>(kestrel => kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1);

        // These write a line with the whole address for each request: tickets among them, and too many.
        services.AddLogging(logging => logging
            .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning)
            .AddFilter("Yarp.ReverseProxy.Forwarder.HttpForwarder", LogLevel.Error));
        return services;
    }

    /// <summary>Maps the one route on the server's own origin.</summary>
    public static IEndpointRouteBuilder MapSessionProxy(this IEndpointRouteBuilder routes)
    {
        routes.MapOpenSession();
        return routes;
    }

    // A startup filter's middleware comes before all that the program adds, and before what the framework adds by itself.
    private sealed class SessionHostsFirst(SessionHosts hosts, SessionProxy proxy) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(rest => context => hosts.Owns(context.Request.Host.Host) ? proxy.HandleAsync(context) : rest(context));
            next(app);
        };
    }
}
